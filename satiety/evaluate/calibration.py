"""Confidences and whether each was right -> how far a model's confidence can be believed.

Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599, section 2 (ECE, equal-width bins).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers of nearly one confidence."""

    confidence: float
    """Mean confidence of its answers."""
    accuracy: float
    """Share of them that were right."""
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence and accuracy lie apart, over all answers given."""

    ece: float
    """Expected calibration error: the bins' |accuracy − confidence|, weighted by their counts; 0 without answers."""
    answers: int
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share of answers that were right."""
    bins: tuple[Bin, ...]
    """Those that hold an answer, from low to high confidence."""


def calibrate(outcomes: Sequence[tuple[float, bool]], bins: int) -> Calibration:
    """Sort (confidence, right?) pairs into ``bins`` of equal width over (0, 1], and compare.

    Raises:
        ValueError: a confidence lies outside [0, 1]; NaN does too.
    """
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, right in outcomes:
        if not 0 <= confidence <= 1:
            raise ValueError(f"a confidence must lie in [0, 1]; it is {confidence}")
        groups[_place(confidence, bins)].append((confidence, right))
    filled = tuple(_mean(group) for group in groups if group)
    total = _mean(outcomes) if outcomes else Bin(0.0, 0.0, 0)
    apart = sum(one.count * abs(one.accuracy - one.confidence) for one in filled)
    return Calibration(apart / max(total.count, 1), total.count, total.confidence, total.accuracy, filled)


def _place(confidence: float, bins: int) -> int:
    """Return the bin of a confidence: bin i holds (i / bins, (i + 1) / bins], and 0 lies in the first."""
    place = int(confidence * bins)
    return place - 1 if place and place == confidence * bins else place


def _mean(group: Sequence[tuple[float, bool]]) -> Bin:
    count = len(group)
    return Bin(sum(confidence for confidence, _ in group) / count, sum(right for _, right in group) / count, count)
