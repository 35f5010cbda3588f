"""Confidences of two systems on the same examples -> difference of their expected calibration errors.

Counts, confidence and right answers per bin are additive over examples, so the bootstrap of scores applies.
Source: Guo et al. 2017, arXiv:1706.04599, section 2 (expected calibration error, bins of equal width).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Resampling, assign_groups
from satiety.promotion.paired_bootstrap import PairedMetric, compare_paired

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Floats

ECE = "ece"


def compare_calibration(
    problem: Problem,
    gold: Sequence[Example],
    champion: Sequence[Prediction],
    challenger: Sequence[Prediction],
    bins: int,
    resampling: Resampling,
) -> PairedMetric:
    """Return the expected calibration error of both; a negative difference means a better calibrated challenger."""
    first, second = (_bin_errors(problem, gold, answers, bins) for answers in (champion, challenger))
    return compare_paired(_compute_ece, first, second, assign_groups(gold), resampling)[ECE]


def _bin_errors(problem: Problem, gold: Sequence[Example], answers: Sequence[Prediction], bins: int) -> Floats:
    """Return accuracy − confidence per example and bin, then the answers per example; shape (examples, bins + 1)."""
    rows = np.zeros((len(gold), bins + 1))
    for row, example, answer in zip(rows, gold, answers, strict=True):
        for confidence, is_correct in problem.confidence_correct([example], [answer]):
            row[max(0, int(np.ceil(confidence * bins)) - 1)] += is_correct - confidence
            row[-1] += 1
    return rows


def _compute_ece(rows: Floats, weights: Floats) -> dict[str, Floats]:
    sums = np.tensordot(weights, rows, axes=1)
    return {ECE: np.abs(sums[..., :-1]).sum(-1) / np.maximum(sums[..., -1], 1)}
