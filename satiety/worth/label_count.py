"""A score, and plain's learning curve -> how many labels plain takes for that score.

The curve comes of chains that no lever saw, so the luck of a draw counts once on each side and a lever that only copies
what is there has an interval of honest width; the test examples are the same, so their luck cancels. Nothing is
extrapolated: beyond the largest budget measured it is "more than", below the smallest above 0 "fewer than".

A number of labels lies in the interval exactly if the curve's score there, less the lever's, has an interval that holds
0. So no ratio of noisy numbers is formed, and the interval is right also where the curve is nearly flat: then it is
long, or has no end.

Source: that inversion is Fieller's (1954, Journal of the Royal Statistical Society B 16:175).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.worth.resample import BootstrapSamples

if TYPE_CHECKING:
    from satiety.worth.curve import Curve


@dataclass(frozen=True, slots=True)
class LabelCount:
    """A number of labels and its interval. Infinite: more than were measured; 0: fewer than the smallest budget."""

    value: float
    low: float
    high: float

    @classmethod
    def from_samples(cls, labels: BootstrapSamples, confidence_level: float) -> LabelCount:
        """Return the interval of a number that may be infinite, so no draw is interpolated with its neighbour."""
        low = np.quantile(labels.draws, (1 - confidence_level) / 2, method="lower")
        high = np.quantile(labels.draws, (1 + confidence_level) / 2, method="higher")
        return cls(float(labels.point), float(low), float(high))

    def widen(self) -> LabelCount:
        """Return the same with an interval that holds the value, which may come of more chains than the interval."""
        return LabelCount(self.value, min(self.low, self.value), max(self.high, self.value))

    def to_report(self) -> dict[str, float | None]:
        """Return ``{value, low, high}`` with one decimal, None for infinite, for a report."""
        values = {name: getattr(self, name) for name in ("value", "low", "high")}
        return {name: round(value, 1) + 0.0 if np.isfinite(value) else None for name, value in values.items()}


def estimate_labels(curve: Curve, score: BootstrapSamples, confidence_level: float) -> LabelCount:
    """Return how many labels plain takes for one score; NaN for a score that is NaN, for it was not measured.

    Args:
        curve: of plain, over chains in which ``score`` was not measured.
        score: of a lever set at a budget, with as many draws as the curve has.
        confidence_level: of the interval.
    """
    labels = curve.invert(score).rows
    return LabelCount.from_samples(BootstrapSamples(np.where(labels > curve.largest, np.inf, labels)), confidence_level)
