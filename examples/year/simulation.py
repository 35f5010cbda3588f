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
from examples.year.judge import Judge, ModelScores, score
from examples.year.plan import Year
from examples.year.project_copy import ProjectCopy
from examples.year.scenarios import Scenario, choose_replacements, draw_examples, make_scenario, write_example
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

    world: Scenario
    metric: str
    verdict: str
    p: float
    """Of all tests for drift together."""
    estimate: dict[str, float]
    """Today's score as monitoring says without a label: {value, low, high}."""
    true: ModelScores
    """In the month's world, on other texts of it."""
    asked: float
    """The champion's true score on the very texts that were asked: fewer, so chance has its say."""
    retraining: Retraining | None


@dataclass(frozen=True, slots=True)
class People:
    """Who asks, and who judges."""

    ask: Sequence[Example]
    judge: Sequence[Example]
    replacements: dict[str, str]
    """What a word is called in the new words."""


def divide_people(year: Year, pool: Sequence[Example]) -> People:
    """Divide the world's texts."""
    shuffled = random.Random(year.seed).sample(list(pool), len(pool))
    boundary = len(shuffled) // JUDGES
    return People(shuffled[boundary:], shuffled[:boundary], choose_replacements(year, shuffled))


def iterate_months(copy: ProjectCopy, year: Year, pool: Sequence[Example]) -> Iterator[Month]:
    """Yield the months, as they end."""
    with chdir(copy.root):
        shutil.copytree(PACKAGE, FIRST)
        judge, population, asked_ids = (
            Judge(packages.open(FIRST, Settings().device), year.seed),
            divide_people(year, pool),
            set[str](),
        )
        for number in range(1, year.months + 1):
            scenario, draw = make_scenario(year, number), random.Random(f"{year.seed}:{number}")
            remaining = [example for example in population.ask if example.id not in asked_ids]
            traffic = draw_examples(remaining, year.texts, scenario.shares, draw)
            asked_ids |= {example.id for example in traffic}
            judged = draw_examples(population.judge, year.judged, scenario.shares, random.Random(year.seed))
            traffic, judged = (
                [write_example(example, scenario, population.replacements) for example in part]
                for part in (traffic, judged)
            )
            yield _run_month(copy, year, scenario, judge, traffic, judged)


def _run_month(
    copy: ProjectCopy,
    year: Year,
    scenario: Scenario,
    judge: Judge,
    traffic: Sequence[Example],
    judged: Sequence[Example],
) -> Month:
    champion = packages.open(PACKAGE, Settings().device)
    rows = list(iterate_predictions(champion, (example.text for example in traffic), open_record(Settings())))
    copy.run("satiety", "monitor")
    report = copy.report("monitor")
    _label(rows, traffic, year, scenario.month)
    predictions = [Prediction(Label(row["label"])) for row in rows]
    true, traffic_score = judge.scores(champion, judged), score(champion, traffic, predictions)
    reason = HARMFUL if report["verdict"] == HARMFUL else "schedule" if scenario.month % year.every == 0 else ""
    retrained = _retrain(copy, reason) if reason else None
    return Month(
        scenario,
        report["metric"],
        report["verdict"],
        report["drift"]["p"],
        report["today"],
        true,
        round(traffic_score, 6),
        retrained,
    )


def _label(rows: Sequence[dict[str, Any]], traffic: Sequence[Example], year: Year, month: int) -> None:
    """Draw some of the texts at random, as `satiety label next` does, and have all of them labelled."""
    places = random.Random(f"{year.seed}:{month}:said").sample(range(len(rows)), year.drawn)
    if places and (record := open_record(Settings())):
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        record.draw([LabelRequest(rows[i]["id"], time, f"month {month}") for i in places])
        lines = [json.dumps({"id": rows[i]["id"], "label": str(traffic[i].answer)}) + "\n" for i in places]
        write_text(SAID, "".join(lines))
        record_corrections(None, None, SAID, "people", PACKAGE)


def _retrain(copy: ProjectCopy, reason: str) -> Retraining:
    """Run the flow; where its model was promoted, the copy has it from now on.

    Raises:
        SatietyError: it failed, or a promoted model was not merged.
    """
    note_before = LAST.read_text(encoding="utf-8") if LAST.is_file() else ""
    output = copy.module("flows.retrain")
    note_after = LAST.read_text(encoding="utf-8") if LAST.is_file() else ""
    note: dict[str, Any] = json.loads(note_after or "{}")
    if note_after == note_before or "decision" not in note:
        return Retraining(reason, "none", next((line for line in output.splitlines() if "not retrained" in line), ""))
    if note["decision"] == "promoted" and not note["merged"]:
        raise SatietyError(f"{note['branch']}: promoted, but not merged: {note['left']}")
    return Retraining(reason, note["decision"], note["decision_reason"], note["trained_on"], note["fresh"])


def summarize_year(year: Year, months: Sequence[Month]) -> dict[str, Any]:
    """Return the year as JSON takes it, without times: the same for the same year, but for the tests' chance."""
    errors = [abs(month.estimate["value"] - month.true.champion["value"]) for month in months]
    traffic_errors = [abs(month.estimate["value"] - month.asked) for month in months]
    is_covered = [month.estimate["low"] <= month.true.champion["value"] <= month.estimate["high"] for month in months]
    gains = [month.true.difference["value"] for month in months]
    return {
        "metric": months[-1].metric,
        "error": round(sum(errors) / len(months), 4),
        "error on the texts asked": round(sum(traffic_errors) / len(months), 4),
        "intervals that held the truth": sum(is_covered),
        "gain over the first champion": round(sum(gains) / len(months), 4),
        "plan": year.model_dump(mode="json"),
        "months": [asdict(month) for month in months],
    }
