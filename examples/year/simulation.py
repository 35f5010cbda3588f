"""A copy with a champion, a plan and labelled texts -> the outcomes of the months, one after another.

    people ask ─▶ `predict` answers ─▶ `monitor` tests ─▶ a sample is labelled ─▶ flow `retrain`, when due

Satiety gets no labels except those of that sample; only the judge knows all labels.
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
FIRST, LABELS = Path(".satiety/year/first"), Path(".satiety/year/labels.jsonl")
HARMFUL = "harmful drift"
JUDGED_SHARE = 3
"""One text in so many is only used for the true score, never predicted as traffic."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """Outcome of the flow `retrain`."""

    trigger: str
    """``harmful drift`` or ``schedule``."""
    decision: str
    """Of `promote`: ``promoted``, ``kept``, ``refused``; or ``none`` if the flow did not retrain."""
    reason: str
    train_labels: int = 0
    """Labels by people on which the challenger was trained."""
    test_labels: int = 0
    """Labels by people on which it was only tested."""


@dataclass(frozen=True, slots=True)
class Month:
    """Outcome of a month."""

    world: Scenario
    metric: str
    verdict: str
    p: float
    """Of all tests for drift together."""
    estimate: dict[str, float]
    """Score that monitoring estimates without labels: {value, low, high}."""
    true: ModelScores
    """True scores, on other texts of the month."""
    traffic_score: float
    """True score of the champion on the traffic itself, which has fewer texts, so it varies more."""
    retraining: Retraining | None


@dataclass(frozen=True, slots=True)
class Population:
    """Texts of the year."""

    traffic: Sequence[Example]
    judged: Sequence[Example]
    """Texts for the true scores only."""
    replacements: dict[str, str]
    """Word -> made-up word that replaces it in shifts of the vocabulary."""


def divide_population(year: Year, pool: Sequence[Example]) -> Population:
    """Divide the texts into traffic and texts for the true scores."""
    shuffled = random.Random(year.seed).sample(list(pool), len(pool))
    boundary = len(shuffled) // JUDGED_SHARE
    return Population(shuffled[boundary:], shuffled[:boundary], choose_replacements(year, shuffled))


def iterate_months(copy: ProjectCopy, year: Year, pool: Sequence[Example]) -> Iterator[Month]:
    """Yield the months, as they end."""
    with chdir(copy.root):
        shutil.copytree(PACKAGE, FIRST)
        judge, population, traffic_ids = (
            Judge(packages.open(FIRST, Settings().device), year.seed),
            divide_population(year, pool),
            set[str](),
        )
        for number in range(1, year.months + 1):
            scenario, draw = make_scenario(year, number), random.Random(f"{year.seed}:{number}")
            remaining = [example for example in population.traffic if example.id not in traffic_ids]
            traffic = draw_examples(remaining, year.texts, scenario.shares, draw)
            traffic_ids |= {example.id for example in traffic}
            judged = draw_examples(population.judged, year.judged, scenario.shares, random.Random(year.seed))
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
    retraining = _retrain(copy, reason) if reason else None
    return Month(
        scenario,
        report["metric"],
        report["verdict"],
        report["drift"]["p"],
        report["today"],
        true,
        round(traffic_score, 6),
        retraining,
    )


def _label(rows: Sequence[dict[str, Any]], traffic: Sequence[Example], year: Year, month: int) -> None:
    """Draw some of the texts at random, as `satiety label next` does, and have all of them labelled."""
    places = random.Random(f"{year.seed}:{month}:said").sample(range(len(rows)), year.drawn)
    if places and (record := open_record(Settings())):
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        record.draw([LabelRequest(rows[i]["id"], time, f"month {month}") for i in places])
        lines = [json.dumps({"id": rows[i]["id"], "label": str(traffic[i].answer)}) + "\n" for i in places]
        write_text(LABELS, "".join(lines))
        record_corrections(None, None, LABELS, "people", PACKAGE)


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
    """Return the year as JSON values, without times: the same for the same year, up to the noise of the tests."""
    errors = [abs(month.estimate["value"] - month.true.champion["value"]) for month in months]
    traffic_errors = [abs(month.estimate["value"] - month.traffic_score) for month in months]
    is_covered = [month.estimate["low"] <= month.true.champion["value"] <= month.estimate["high"] for month in months]
    gains = [month.true.difference["value"] for month in months]
    return {
        "metric": months[-1].metric,
        "error": round(sum(errors) / len(months), 4),
        "error on the traffic": round(sum(traffic_errors) / len(months), 4),
        "intervals that held the truth": sum(is_covered),
        "gain over the first champion": round(sum(gains) / len(months), 4),
        "plan": year.model_dump(mode="json"),
        "months": [asdict(month) for month in months],
    }
