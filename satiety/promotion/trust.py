"""Confidences of two systems on the same examples -> how their calibration differs, as a metric like any other.

Counts, confidence and right answers per bin add up over examples, so the bootstrap of scores serves here too.
Source: Guo et al. 2017, arXiv:1706.04599, section 2 (expected calibration error, bins of equal width).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Resampling, groups_of
from satiety.promotion.paired import Paired, paired

if TYPE_CHECKING:
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Floats
    from satiety.records import Example

ECE = "ece"


def trusted(
    problem: Problem,
    gold: Sequence[Example],
    old: Sequence[Prediction],
    new: Sequence[Prediction],
    bins: int,
    how: Resampling,
) -> Paired:
    """Return the expected calibration error of both; below zero the new one is better calibrated."""
    first, second = (_binned(problem, gold, answers, bins) for answers in (old, new))
    return paired(_errors, first, second, groups_of(gold), how)[ECE]


def _binned(problem: Problem, gold: Sequence[Example], answers: Sequence[Prediction], bins: int) -> Floats:
    """Return per example and bin what was right less what was believed, and per example the answers it gave."""
    rows = np.zeros((len(gold), bins + 1))
    for row, example, answer in zip(rows, gold, answers, strict=True):
        for confidence, right in problem.outcomes([example], [answer]):
            row[max(0, int(np.ceil(confidence * bins)) - 1)] += right - confidence
            row[-1] += 1
    return rows


def _errors(rows: Floats, weights: Floats) -> dict[str, Floats]:
    sums = np.tensordot(weights, rows, axes=1)
    return {ECE: np.abs(sums[..., :-1]).sum(-1) / np.maximum(sums[..., -1], 1)}
