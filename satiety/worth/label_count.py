"""Scores and the baseline's learning curve -> label equivalence: how many labels the baseline needs for a score.

The curve is fitted to replicates without levers, so sampling noise of the labels enters both sides. A lever that only
copies examples therefore gets an interval of the right width. Test examples are shared, so their noise cancels. Nothing
is extrapolated: counts above the largest budget are infinite ("more than"), counts below the smallest are 0 ("fewer
than").

The interval is Fieller's: a number of labels lies in it exactly if the difference between the curve's score there and
the lever's has an interval that contains 0. No ratio of noisy numbers is formed. Where the curve is nearly flat, the
interval is long or unbounded.

Sources: Fieller 1954, Journal of the Royal Statistical Society B 16:175; average data advantage: Le Scao & Rush 2021,
arXiv:2103.08493, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.worth.resample import BootstrapSamples

if TYPE_CHECKING:
    from satiety.worth.curve import Curve


HEIGHTS = 32
"""Scores at which the curves are compared, evenly spaced over the shared range (midpoint rule)."""


@dataclass(frozen=True, slots=True)
class LabelCount:
    """Number of labels with its interval. Infinite: above the largest budget; 0: below the smallest."""

    value: float
    low: float
    high: float

    @classmethod
    def from_samples(cls, labels: BootstrapSamples, confidence_level: float) -> LabelCount:
        """Return estimate and interval; quantiles are not interpolated, because samples may be infinite."""
        low = np.quantile(labels.draws, (1 - confidence_level) / 2, method="lower")
        high = np.quantile(labels.draws, (1 + confidence_level) / 2, method="higher")
        return cls(float(labels.point), float(low), float(high))

    def widen(self) -> LabelCount:
        """Extend the interval to contain the value, which may be estimated from more replicates."""
        return LabelCount(self.value, min(self.low, self.value), max(self.high, self.value))

    def to_report(self) -> dict[str, float | None]:
        """Return ``{value, low, high}`` for a report, rounded to one decimal; None for infinite or NaN."""
        values = {name: getattr(self, name) for name in ("value", "low", "high")}
        return {name: round(value, 1) + 0.0 if np.isfinite(value) else None for name, value in values.items()}


def estimate_labels(curve: Curve, score: BootstrapSamples, confidence_level: float) -> LabelCount:
    """Return the labels the baseline needs for a score; NaN for a score that was not measured (NaN).

    Args:
        curve: of the baseline, over the curve's own replicates, which no lever uses.
        score: of a lever set at a budget, with as many samples as the curve.
        confidence_level: of the interval.
    """
    labels = curve.invert(score).rows
    return LabelCount.from_samples(BootstrapSamples(np.where(labels > curve.largest, np.inf, labels)), confidence_level)


def estimate_advantage(baseline: Curve, lever: Curve, confidence_level: float) -> LabelCount:
    """Return the labels a lever saves on average over all scores both curves reach; negative where it costs labels.

    This is the horizontal area between the curves, divided by the height of their shared range of scores. It is
    infinite where one curve lies above the other at all budgets.

    Args:
        baseline: over replicates without levers.
        lever: baseline with the lever, with as many samples.
        confidence_level: of the interval.
    """
    curves = baseline, lever
    low = np.maximum(*(curve.predict(curve.smallest).rows for curve in curves))
    high = np.minimum(*(curve.predict(curve.largest).rows for curve in curves))
    heights = low + (high - low) * (np.arange(HEIGHTS) + 0.5)[:, None] / HEIGHTS
    widths = [
        baseline.invert(BootstrapSamples(rows)).rows - lever.invert(BootstrapSamples(rows)).rows for rows in heights
    ]
    disjoint = np.where(lever.predict(lever.smallest).rows > baseline.predict(baseline.largest).rows, np.inf, -np.inf)
    advantage = np.where(high > low, np.mean(widths, axis=0), disjoint)
    return LabelCount.from_samples(BootstrapSamples(advantage), confidence_level)
