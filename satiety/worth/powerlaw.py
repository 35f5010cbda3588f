"""Scores at budgets -> the power law score = a - b · labels^-c, and a test of its fit.

For a fixed exponent the fit is linear least squares in closed form, so all exponents are tried at once for every row.

Sources: Hestness et al. 2017, arXiv:1712.00409; where power laws fail: Viering & Loog 2021, arXiv:2103.10948.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satiety.problems.base import Floats

EXPONENTS = np.geomspace(0.05, 2, 100)
"""Grid of exponents: from almost linear in log n to twice the fastest rate known in learning theory (1)."""
PARAMETERS = 3
"""Free parameters; a power law passes through as many budgets exactly."""


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """One power law per row of scores; every field has shape (rows,)."""

    asymptote: Floats
    """a: limit score, at most 1."""
    scale: Floats
    """b: distance to the limit at one label; not negative, so the law never falls."""
    exponent: Floats
    """c: rate at which the distance falls."""

    def predict(self, labels: Floats) -> Floats:
        """Return the scores, shape (rows, labels)."""
        return self.asymptote[:, None] - self.scale[:, None] * np.power(labels, -self.exponent[:, None])


def fit(labels: Floats, scores: Floats, weights: Floats) -> PowerLaw:
    """Fit a power law to each row by weighted least squares.

    Args:
        labels: shape (budgets,).
        scores: shape (rows, budgets).
        weights: of the budgets, shape (budgets,).
    """
    share = weights / weights.sum()
    powers = labels ** -EXPONENTS[:, None]
    power, square = powers @ share, powers**2 @ share
    mean, product = (scores @ share)[:, None], scores @ (powers * share).T
    scale = np.maximum((mean * power - product) / (square - power**2), 0)
    asymptote = mean + scale * power
    is_capped = asymptote > 1
    scale = np.where(is_capped, np.maximum((power - product) / square, 0), scale)
    asymptote = np.minimum(asymptote, 1)
    errors = asymptote**2 + scale**2 * square - 2 * (asymptote * mean - scale * product + asymptote * scale * power)
    best = np.arange(len(scores)), errors.argmin(axis=1)
    return PowerLaw(asymptote[best], scale[best], EXPONENTS[best[1]])


def measure_misfit(residuals: Floats, dof: int) -> tuple[float, bool]:
    """Test whether chance explains the residuals of a power law.

    Residuals of neighbouring budgets are correlated, so they are measured along the principal axes of their samples.

    Args:
        residuals: of the measured scores, then of their samples, shape (1 + resamples, budgets).
        dof: degrees of freedom, budgets minus parameters; above 0.

    Returns:
        The Birge ratio (Birge 1932, Physical Review 40:207), which is 1 where chance explains the residuals; and
        whether the law is rejected, because fewer than 5 % of samples have residuals as large.
    """
    deviations = residuals[1:] - residuals[1:].mean(axis=0)
    _, spread, axes = np.linalg.svd(deviations, full_matrices=False)
    deviation = spread[:dof] / np.sqrt(len(deviations))
    is_informative = deviation > 1e-6
    scaled = residuals @ axes[:dof][is_informative].T / deviation[is_informative]
    error, chance = np.square(scaled[0]).sum(), np.square(scaled[1:] - scaled[1:].mean(axis=0)).sum(axis=1)
    return float(np.sqrt(error / max(is_informative.sum(), 1))), bool((chance >= error).mean() < 0.05)
