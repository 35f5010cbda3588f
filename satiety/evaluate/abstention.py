"""Texts of no class: the confidence below which an answer is *none of these*.

It is calibrated by texts that have a class, on predictions of models that have not learned from them. So the error is
known, whatever the model: of new texts like these, at most so large a share is refused, on average. How many texts of
no class are refused depends on how unlike they are; `python -m benchmarks.abstaining` measures it.

Source: split conformal prediction, Vovk et al. 2005, Algorithmic Learning in a Random World, section 4.1; conformal
detection of outliers: Bates et al. 2023 (arXiv:2104.08279); the score: Hendrycks & Gimpel 2017 (arXiv:1610.02136).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from satiety.core.errors import ParamsError
from satiety.problems import Prediction, Problem


def calibrate_abstention(problem: Problem, predictions: Sequence[Prediction], error: float) -> dict[str, Any]:
    """Return the threshold for the report, with the share of texts of the classes that it refuses.

    Args:
        problem: a problem whose answer is one label of a set.
        predictions: those of texts that have a class.
        error: bound of the share of new texts of the classes that are refused.

    Raises:
        ParamsError: the problem has other answers.
    """
    if not problem.categorical:
        raise ParamsError(
            f"evaluate.abstain: {problem.kind!r} has no answer that is one label of a set, so none can be refused: "
            "leave it out"
        )
    confidences = [prediction.confidence for prediction in predictions]
    threshold = find_threshold(confidences, error)
    refused = sum(confidence < threshold for confidence in confidences)
    return {"error": error, "threshold": threshold, "refused": refused, "examples": len(confidences)}


def find_threshold(confidences: Sequence[float], error: float) -> float:
    """Return the confidence below which the next one lies in at most a share ``error`` of cases, if it is like these.

    Of n + 1 confidences in random order, the last is among the k smallest with a chance of k / (n + 1). Where there
    are too few for one, the threshold is 0, which refuses nothing.
    """
    rank = int(error * (len(confidences) + 1) + 1e-9)
    return sorted(confidences)[rank - 1] if rank else 0.0
