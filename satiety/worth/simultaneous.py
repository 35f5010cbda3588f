"""Gains of many lever sets at many budgets -> intervals that hold all at once, so that the best may be picked by them.

Of thirty-five gains that are nothing in truth, one or two have a 95 % interval that says otherwise. So the reach of the
intervals is read off the greatest deviation of all gains, in units of their spreads, over the draws that they share:
gains that go together cost little. Verdicts by these intervals are wrong anywhere with the chance of one interval.

Source: single-step max-t: Westfall & Young 1993, Resampling-Based Multiple Testing, section 2.6; simultaneous
intervals: Romano & Wolf 2005, Econometrica 73:1237.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from satiety.evaluate.bootstrap import Interval
from satiety.worth.resample import BootstrapSamples


@dataclass(frozen=True, slots=True)
class SimultaneousBand:
    """How far intervals must reach to hold together."""

    reach: float
    """In spreads of the quantity."""

    @classmethod
    def fit(cls, quantities: Iterable[BootstrapSamples], confidence_level: float) -> Self:
        """Return the reach with which all these intervals hold at once in a share ``confidence_level`` of studies.

        Args:
            quantities: each of shape (); those that never vary are left out.
            confidence_level: of all intervals together.
        """
        varying = [samples for samples in quantities if samples.spread > 0]
        if not varying:
            return cls(0.0)
        deviations = np.stack([np.abs(samples.draws - samples.point) / samples.spread for samples in varying])
        return cls(float(np.quantile(deviations.max(axis=0), confidence_level)))

    def interval(self, quantity: BootstrapSamples) -> Interval:
        """Return the interval of one of the quantities, or of one like them."""
        value, half = float(quantity.point), self.reach * quantity.spread
        return Interval(value, value - half, value + half)

    def estimate_coverage(self, quantity: BootstrapSamples) -> float:
        """Return the level that the interval has by itself."""
        return float((np.abs(quantity.draws - quantity.point) <= self.reach * quantity.spread).mean())
