"""Confidences, and whether each answer was right -> calibration error.

Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599, section 2 (ECE, equal-width bins).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of similar confidence."""

    confidence: float
    """Mean confidence of the answers."""
    accuracy: float
    """Share of right answers."""
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Gap between confidence and accuracy, over all answers."""

    ece: float
    """Expected calibration error: mean |accuracy − confidence| of the bins, weighted by count; 0 without answers."""
    answers: int
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share of right answers."""
    bins: tuple[Bin, ...]
    """Bins with answers, from low to high confidence."""


def calibrate(outcomes: Sequence[tuple[float, bool]], bins: int) -> Calibration:
    """Sort (confidence, is right) pairs into ``bins`` of equal width over (0, 1] and compare confidence with accuracy.

    Raises:
        ValueError: a confidence is outside [0, 1] or NaN.
    """
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, is_correct in outcomes:
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence must be in [0, 1], got {confidence}")
        index = int(confidence * bins)  # bin i covers (i / bins, (i + 1) / bins], and 0 belongs to the first
        groups[index - 1 if index and index == confidence * bins else index].append((confidence, is_correct))
    filled = tuple(_average_group(group) for group in groups if group)
    total = _average_group(outcomes) if outcomes else Bin(0.0, 0.0, 0)
    weighted_gap = sum(group.count * abs(group.accuracy - group.confidence) for group in filled)
    return Calibration(weighted_gap / max(total.count, 1), total.count, total.confidence, total.accuracy, filled)


def _average_group(group: Sequence[tuple[float, bool]]) -> Bin:
    confidences, outcomes = zip(*group, strict=True)
    return Bin(sum(confidences) / len(group), sum(outcomes) / len(group), len(group))
