"""Tail probability of a count under the negative binomial, which is the Poisson of a rate that varies as a gamma.

Rates need not vary as a gamma, so the tail is calibrated on past counts. Probabilities below ``ONSET`` that occurred
more often than they should are raised to a power, the exponent of their own distribution (``heaviness``).

Sources: Greenwood & Yule 1920, Journal of the Royal Statistical Society 83:255; for outbreaks: Noufaily et al. 2013,
Statistics in Medicine 32:1206; one exponent for the exceedances of a threshold: Hill 1975, Annals of Statistics 3:1163.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from examples.opinion_monitoring.stream.baseline import Expected
    from satiety.problems.base import Floats

LEAST = 1e-6
"""Of a count, a mean or a dispersion; below it there is no difference to 0."""
ONSET = 0.1
"""The tail begins where a tenth of all counts are as high."""
ROUNDS = 60
"""After which the exponent has converged."""


def chance(counts: Floats, expected: Expected) -> Floats:
    """Return the probability of so many or more, shape (columns,)."""
    p = negative_binomial_chance(counts, expected.mean, expected.dispersion)
    probability: Floats = np.where(p < ONSET, ONSET * (p / ONSET) ** (1 / expected.heaviness), p)
    return probability


def negative_binomial_chance(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return that of the negative binomial itself, between whole counts what lies between; shapes that broadcast."""
    from scipy.special import betainc

    shape, odds = _shape(mean, dispersion)
    probability: Floats = np.where(counts > 0, betainc(np.maximum(counts, LEAST), shape, odds), 1.0)
    return probability


def find_limit(expected: Expected, rate: float) -> Floats:
    """Return the counts that a share ``rate`` of windows has or exceeds, shape (columns,)."""
    from scipy.special import btdtria

    shape, odds = _shape(expected.mean, expected.dispersion)
    tail_rate = ONSET * (rate / ONSET) ** expected.heaviness
    counts: Floats = btdtria(tail_rate, shape, odds)
    return counts


def heaviness(chances: Floats, least: float, strength: float) -> Floats:
    """Return how much heavier the tail is than the negative binomial's: about 1 where it is not, or lighter.

    −log of a chance is exponential; its scale is fitted where surges do not reach, so to an exponential cut off. A
    standard error is added, for too light a tail breaks the stated rate, and too heavy a one costs little.

    Args:
        chances: that past windows had by ``negative_binomial_chance``, shape (windows, columns).
        least: chances below it may be surges, and are left out.
        strength: exceedances that speak for 1.
    """
    bound = float(np.log(ONSET / least))
    in_tail = (chances < ONSET) & (chances >= least)
    excess = np.where(in_tail, -np.log(np.where(in_tail, chances, ONSET) / ONSET), 0).sum(axis=0)
    speaking = strength + in_tail.sum(axis=0)
    mean = (strength * (1 - bound / np.expm1(bound)) + excess) / speaking
    scale = np.ones_like(mean)
    for _ in range(ROUNDS):
        scale = np.clip(mean + bound / np.expm1(bound / scale), 1, bound)
    heavier: Floats = scale * (1 + 1 / np.sqrt(speaking))
    return heavier


def _shape(mean: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
    """Return the gamma's shape, and the share of its rate in mean + shape."""
    mean, shape = np.maximum(mean, LEAST), 1 / np.maximum(dispersion, LEAST)
    return shape, mean / (mean + shape)
