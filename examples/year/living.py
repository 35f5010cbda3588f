"""A copy with a champion, a plan and labelled texts -> the months, one after another, and what came of each.

    people ask ─▶ `predict` answers ─▶ `monitor` looks ─▶ a sample is labelled ─▶ flow `retrain`, where it is time

Nobody tells Satiety a label but those of that sample; the judge knows all, and tells nobody.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.feedback import record_corrections
from cli.predict import iterate_predictions
from examples.year.judge import Judge, Scores, score
from examples.year.place import Copy
from examples.year.plan import Year
from examples.year.worlds import World, drawn, renamings, world, written
from satiety import package as packages
from satiety.core.answers import Label
from satiety.core.errors import SatietyError
from satiety.core.files import write_text
from satiety.core.records import Example, LabelRequest
from satiety.core.settings import Settings
from satiety.problems.base import Prediction
from satiety.serving.traffic import open_record

PACKAGE, LAST = Path("models/package"), Path(".satiety/retrain/last.json")
FIRST, SAID = Path(".satiety/year/first"), Path(".satiety/year/said.jsonl")
HARMFUL = "harmful drift"
JUDGES = 3
"""One text in so many is only ever judged on, never asked."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """What the flow did."""

    asked_by: str
    """``harmful drift`` or ``schedule``."""
    decision: str
    """As `promote` says: ``promoted``, ``kept``, ``refused``; or ``none`` where it was not worth one."""
    because: str
    learned: int = 0
    """Labels of people's that the challenger learned from."""
    fresh: int = 0
    """And those that it was only tested on."""


@dataclass(frozen=True, slots=True)
class Month:
    """What came of a month."""

    world: World
    metric: str
    verdict: str
    p: float
    """Of all tests for drift together."""
    estimate: dict[str, float]
    """Today's score as monitoring says without a label: {value, low, high}."""
    true: Scores
    """In the month's world, on other texts of it."""
    asked: float
    """The champion's true score on the very texts that were asked: fewer, so chance has its say."""
    retraining: Retraining | None


@dataclass(frozen=True, slots=True)
class People:
    """Who asks, and who judges."""

    ask: Sequence[Example]
    judge: Sequence[Example]
    new: dict[str, str]
    """What a word is called in the new words."""


def people(year: Year, pool: Sequence[Example]) -> People:
    """Divide the world's texts."""
    shuffled = random.Random(year.seed).sample(list(pool), len(pool))
    cut = len(shuffled) // JUDGES
    return People(shuffled[cut:], shuffled[:cut], renamings(year, shuffled))


def live(copy: Copy, year: Year, pool: Sequence[Example]) -> Iterator[Month]:
    """Yield the months, as they end."""
    with chdir(copy.root):
        shutil.copytree(PACKAGE, FIRST)
        judge, there, asked = Judge(packages.open(FIRST, Settings().device), year.seed), people(year, pool), set[str]()
        for number in range(1, year.months + 1):
            now, draw = world(year, number), random.Random(f"{year.seed}:{number}")
            left = [one for one in there.ask if one.id not in asked]
            came = drawn(left, year.texts, now.shares, draw)
            asked |= {one.id for one in came}
            known = drawn(there.judge, year.judged, now.shares, random.Random(year.seed))
            came, known = ([written(one, now, there.new) for one in part] for part in (came, known))
            yield _month(copy, year, now, judge, came, known)


def _month(
    copy: Copy, year: Year, now: World, judge: Judge, came: Sequence[Example], known: Sequence[Example]
) -> Month:
    champion = packages.open(PACKAGE, Settings().device)
    rows = list(iterate_predictions(champion, (one.text for one in came), open_record(Settings())))
    copy.run("satiety", "monitor")
    seen = copy.report("monitor")
    _label(rows, came, year, now.month)
    given = [Prediction(Label(row["label"])) for row in rows]
    true, own = judge.scores(champion, known), score(champion, came, given)
    why = HARMFUL if seen["verdict"] == HARMFUL else "schedule" if now.month % year.every == 0 else ""
    retrained = _retrain(copy, why) if why else None
    return Month(
        now, seen["metric"], seen["verdict"], seen["drift"]["p"], seen["today"], true, round(own, 6), retrained
    )


def _label(rows: Sequence[dict[str, Any]], came: Sequence[Example], year: Year, month: int) -> None:
    """Draw some of the texts at random, as `satiety label next` does, and have all of them labelled."""
    places = random.Random(f"{year.seed}:{month}:said").sample(range(len(rows)), year.drawn)
    if places and (record := open_record(Settings())):
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        record.draw([LabelRequest(rows[i]["id"], now, f"month {month}") for i in places])
        lines = [json.dumps({"id": rows[i]["id"], "label": str(came[i].answer)}) + "\n" for i in places]
        write_text(SAID, "".join(lines))
        record_corrections(None, None, SAID, "people", PACKAGE)


def _retrain(copy: Copy, why: str) -> Retraining:
    """Run the flow; where its model was promoted, the copy has it from now on.

    Raises:
        SatietyError: it failed, or a promoted model was not merged.
    """
    before = LAST.read_text(encoding="utf-8") if LAST.is_file() else ""
    said = copy.module("flows.retrain")
    after = LAST.read_text(encoding="utf-8") if LAST.is_file() else ""
    note: dict[str, Any] = json.loads(after or "{}")
    if after == before or "decision" not in note:
        return Retraining(why, "none", next((line for line in said.splitlines() if "not retrained" in line), ""))
    if note["decision"] == "promoted" and not note["merged"]:
        raise SatietyError(f"{note['branch']}: promoted, but not merged: {note['left']}")
    return Retraining(why, note["decision"], note["because"], note["learned"], note["fresh"])


def told(year: Year, months: Sequence[Month]) -> dict[str, Any]:
    """Return the year as JSON takes it, without times: the same for the same year, but for the tests' chance."""
    errors = [abs(one.estimate["value"] - one.true.champion["value"]) for one in months]
    own = [abs(one.estimate["value"] - one.asked) for one in months]
    inside = [one.estimate["low"] <= one.true.champion["value"] <= one.estimate["high"] for one in months]
    gains = [one.true.difference["value"] for one in months]
    return {
        "metric": months[-1].metric,
        "error": round(sum(errors) / len(months), 4),
        "error on the texts asked": round(sum(own) / len(months), 4),
        "intervals that held the truth": sum(inside),
        "gain over the first champion": round(sum(gains) / len(months), 4),
        "plan": year.model_dump(mode="json"),
        "months": [asdict(one) for one in months],
    }
