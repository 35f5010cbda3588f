"""Gold, *before* and *after* -> the numbers of ``reports/evaluate.json``, and the rows of its two plots."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from satiety.errors import DataError
from satiety.evaluate import Evaluate
from satiety.evaluate.bootstrap import Interval, Resampling, compare, groups_of
from satiety.evaluate.calibration import Calibration
from satiety.problems.base import Prediction, Problem
from satiety.records import Example

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
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    params: Evaluate,
    trust: Calibration,
) -> dict[str, Any]:
    """Return every metric of both, each with its interval, the differences, and how far *after* can be trusted."""
    how = Resampling(params.seed, params.resamples, params.level)
    tallies = problem.tally(gold, before), problem.tally(gold, after)
    both = compare(problem.score, *tallies, groups_of(gold), how)
    return {
        "metric": problem.headline,
        "before": both.first[problem.headline].rounded(),
        "after": both.second[problem.headline].rounded(),
        "difference": both.difference[problem.headline].rounded(),
        "examples": len(gold),
        "level": params.level,
        "metrics": {
            "before": _rounded(both.first),
            "after": _rounded(both.second),
            "difference": _rounded(both.difference),
        },
        "calibration": {
            "ece": round(trust.ece, 6),
            "answers": trust.answers,
            "confidence": round(trust.confidence, 6),
            "accuracy": round(trust.accuracy, 6),
        },
    }


def confusion_rows(problem: Problem, gold: Sequence[Example], after: Sequence[Prediction]) -> str:
    """Return a CSV with one row per (gold, predicted) pair, which is what DVC's confusion template counts."""
    return _csv(("gold", "predicted"), problem.confusions(gold, after))


def calibration_rows(trust: Calibration) -> str:
    """Return a CSV with one row per bin of confidence that holds an answer."""
    rows = [(f"{one.confidence:.6f}", f"{one.accuracy:.6f}", str(one.count)) for one in trust.bins]
    return _csv(("confidence", "accuracy", "count"), rows)


def _rounded(metrics: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: interval.rounded() for name, interval in metrics.items()}


def _csv(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
