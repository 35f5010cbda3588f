"""Gold answers and predictions before and after tuning -> the report, the scores that DVC compares, rows of plots."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.evaluate import Evaluate
from satiety.evaluate.bootstrap import IMAGINARY, Interval, Resampling, assign_groups, compare
from satiety.evaluate.calibration import Calibration
from satiety.evaluate.gold import ScoredOn
from satiety.problems.base import Prediction, Problem

ROUNDING = 1e-9
"""Rounding error allowed in a perfect score."""
NAMES: Mapping[ScoredOn, tuple[str, str]] = {
    "test": ("test examples", "increase `ingest.test`"),
    "out_of_fold": ("labels to score out of fold", "increase `ingest.budget`"),
}
"""Name of the scored examples, and advice where they do not suffice."""


def check_gold(problem: Problem, gold: Sequence[Example], scored_on: ScoredOn = "test") -> None:
    """Refuse examples whose scores would be meaningless.

    Raises:
        DataError: there are none, they have only one class, or contain no answers.
    """
    name, advice = NAMES[scored_on]
    if not gold:
        raise DataError(f"evaluate: there are no {name}; {advice}, and check reports/validate.json")
    if problem.categorical and len({example.answer for example in gold}) < 2:
        raise DataError(
            f"evaluate: all {len(gold)} {name} have the label {str(gold[0].answer)!r}, so scores would be "
            f"meaningless; {advice} or add data with another label"
        )
    perfect = [Prediction(example.answer) for example in gold]
    best = float(problem.score(problem.tally(gold, perfect))[problem.headline])
    if best < 1 - ROUNDING:
        raise DataError(
            f"evaluate: perfect predictions on the {len(gold)} {name} reach only {problem.headline} {best:g}: "
            f"their gold answers are all empty or all equal; {advice}"
        )


def score(
    problem: Problem,
    gold: Sequence[Example],
    systems: Mapping[str, Sequence[Prediction]],
    *,
    params: Evaluate,
    calibration: Calibration,
    folds: int | None = None,
) -> dict[str, Any]:
    """Return every metric before and after, with intervals, their differences, and the calibration of *after*.

    Args:
        problem: the problem.
        gold: test examples, or the labels that were held out in turn.
        systems: predictions of the untuned model (``before``), of the tuned one (``after``), and of the one tuned
            without raw texts and levers (``labels_only``).
        params: parameters of the bootstrap.
        calibration: calibration of *after*.
        folds: number of folds in which the labels were held out; None on a test.
    """
    resampling = Resampling(
        params.seed,
        params.resamples,
        params.confidence_level,
        imaginary=IMAGINARY if folds else 0.0,
        unbounded=problem.unbounded,
        support=Counter(label for example in gold if example.answer for label in set(example.answer.labels)),
    )
    tallies = {name: problem.tally(gold, predictions) for name, predictions in systems.items()}
    groups = assign_groups(gold)
    comparison = compare(problem.score, tallies["before"], tallies["after"], groups, resampling)
    realised = compare(problem.score, tallies["labels_only"], tallies["after"], groups, resampling)
    return {
        "metric": problem.headline,
        "before": comparison.first[problem.headline].to_dict(),
        "after": comparison.second[problem.headline].to_dict(),
        "difference": comparison.difference[problem.headline].to_dict(),
        "labels_only": realised.first[problem.headline].to_dict(),
        "gain": realised.difference[problem.headline].to_dict(),
        "examples": len(gold),
        **({"scored_on": "out_of_fold", "folds": folds} if folds else {"scored_on": "test"}),
        "confidence_level": params.confidence_level,
        "metrics": {
            "before": _report_metrics(comparison.first),
            "after": _report_metrics(comparison.second),
            "difference": _report_metrics(comparison.difference),
        },
        "calibration": {
            "ece": round(calibration.ece, 6),
            "answers": calibration.answers,
            "confidence": round(calibration.confidence, 6),
            "accuracy": round(calibration.accuracy, 6),
        },
    }


def format_scores(results: Mapping[str, Any]) -> str:
    """Return the few numbers of a report that DVC compares between runs, as JSON."""
    difference = results["difference"]
    few = {
        "metric": results["metric"],
        "before": results["before"]["value"],
        "after": results["after"]["value"],
        "difference": difference["value"],
        "difference_low": difference["low"],
        "difference_high": difference["high"],
        "gain": results["gain"]["value"],
        "ece": results["calibration"]["ece"],
    }
    return json.dumps(few, indent=2) + "\n"


def format_confusion(problem: Problem, gold: Sequence[Example], predictions: Sequence[Prediction]) -> str:
    """Return a CSV with one row per (gold, predicted) pair, the input of DVC's confusion template."""
    return _format_csv(("gold", "predicted"), problem.confusions(gold, predictions))


def format_calibration(calibration: Calibration) -> str:
    """Return a CSV with one row per non-empty bin of confidence."""
    rows = [
        (f"{confidence_bin.confidence:.6f}", f"{confidence_bin.accuracy:.6f}", str(confidence_bin.count))
        for confidence_bin in calibration.bins
    ]
    return _format_csv(("confidence", "accuracy", "count"), rows)


def _report_metrics(metrics: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: interval.to_dict() for name, interval in metrics.items()}


def _format_csv(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
