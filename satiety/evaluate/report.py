"""Gold, *before* and *after* -> the numbers of ``reports/evaluate.json``, and the rows of its two plots."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.evaluate import Evaluate
from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups, compare
from satiety.evaluate.calibration import Calibration
from satiety.problems.base import Prediction, Problem

ROUNDING = 1e-9
"""What a perfect score may lack by the arithmetic of floats."""


def check_gold(problem: Problem, gold: Sequence[Example]) -> None:
    """Refuse a test set on which no score would mean anything.

    Raises:
        DataError: it is empty, has one class only, or no answer at all.
    """
    if not gold:
        raise DataError("evaluate: the test set is empty: nothing to measure; set `ingest.test` above 0")
    if problem.categorical and len({example.answer for example in gold}) < 2:
        raise DataError(
            f"evaluate: all {len(gold)} test examples have the label {str(gold[0].answer)!r}: no score would mean "
            "anything; give `ingest.test` more examples, or the data another label"
        )
    perfect = [Prediction(example.answer) for example in gold]
    best = float(problem.score(problem.tally(gold, perfect))[problem.headline])
    if best < 1 - ROUNDING:
        raise DataError(
            f"evaluate: even right answers to the {len(gold)} test examples have {problem.headline} {best:g}, for none "
            "has an answer to find, or all have the same: nothing to measure; give `ingest.test` more examples"
        )


def score(
    problem: Problem,
    gold: Sequence[Example],
    baseline: Sequence[Prediction],
    predictions: Sequence[Prediction],
    *,
    params: Evaluate,
    calibration: Calibration,
) -> dict[str, Any]:
    """Return every metric of both, each with its interval, the differences, and how far *after* can be trusted."""
    resampling = Resampling(params.seed, params.resamples, params.confidence_level)
    tallies = problem.tally(gold, baseline), problem.tally(gold, predictions)
    comparison = compare(problem.score, *tallies, assign_groups(gold), resampling)
    return {
        "metric": problem.headline,
        "before": comparison.first[problem.headline].to_dict(),
        "after": comparison.second[problem.headline].to_dict(),
        "difference": comparison.difference[problem.headline].to_dict(),
        "examples": len(gold),
        "level": params.confidence_level,
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


def format_confusion(problem: Problem, gold: Sequence[Example], predictions: Sequence[Prediction]) -> str:
    """Return a CSV with one row per (gold, predicted) pair, which is what DVC's confusion template counts."""
    return _format_csv(("gold", "predicted"), problem.confusions(gold, predictions))


def format_calibration(calibration: Calibration) -> str:
    """Return a CSV with one row per bin of confidence that holds an answer."""
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
