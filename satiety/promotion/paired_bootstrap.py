"""Tallies of two systems on the same examples -> their difference, with an interval at any confidence level.

Late interim analyses need levels that percentiles of a few thousand resamples cannot resolve. The interval is therefore
normal, with the standard error of the paired bootstrap. Simulation of equal systems (macro-F1, three classes, one with
a tenth of the texts; 100, 300 and 2,000 texts; tests/unit/promotion): tail probability .009 to .014 for a nominal
.0125, and .0003 to .003 for .002.

Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.2 (the standard normal interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from satiety.evaluate.bootstrap import Interval, Resampling, compare

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Groups, Score
    from satiety.problems.base import Floats


@dataclass(frozen=True, slots=True)
class PairedMetric:
    """One metric of two systems on the same examples."""

    champion: Interval
    challenger: Interval
    """Score of each system, with a percentile interval at `promote.confidence_level`."""
    error: float
    """Standard error of challenger − champion."""
    examples: int

    @property
    def value(self) -> float:
        """The difference, challenger − champion."""
        return self.challenger.value - self.champion.value

    def interval(self, alpha: float) -> Interval:
        """Return the difference with a normal interval: each bound misses the true value with probability ``alpha``."""
        half_width = NormalDist().inv_cdf(1 - alpha) * self.error
        return Interval(self.value, self.value - half_width, self.value + half_width)


def compare_paired(
    score: Score, champion: Floats, challenger: Floats, groups: Groups, resampling: Resampling
) -> dict[str, PairedMetric]:
    """Return every metric of both systems; arguments and errors as in `satiety.evaluate.bootstrap.compare`."""
    comparison = compare(score, champion, challenger, groups, resampling)
    return {
        name: PairedMetric(interval, comparison.second[name], comparison.errors[name], len(champion))
        for name, interval in comparison.first.items()
    }
