"""Scores at budgets -> score = a - b · labels^-c: which one, and whether one at all.

For a given exponent the fit is a straight line, least squares in closed form; so each row of a thousand resamples has
all exponents tried at once.

Source: Hestness et al. 2017, arXiv:1712.00409; where power laws fail: Viering & Loog 2021, arXiv:2103.10948.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satiety.problems.base import Floats

EXPONENTS = np.geomspace(0.05, 2, 100)
"""Tried: from nearly a straight line in log n to the fastest learning that theory knows of, and twice that."""
PARAMETERS = 3
"""As many budgets a power law passes through, whatever the scores."""


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """One power law per row of scores; every field has shape (rows,)."""

    asymptote: Floats
    """a: the score of endless labels, at most 1."""
    scale: Floats
    """b: how far below it one label is; never negative, so more labels never hurt."""
    exponent: Floats
    """c: how fast the distance falls."""

    def predict(self, labels: Floats) -> Floats:
        """Return the scores, shape (rows, labels)."""
        return self.asymptote[:, None] - self.scale[:, None] * np.power(labels, -self.exponent[:, None])


def fit(labels: Floats, scores: Floats, weights: Floats) -> PowerLaw:
    """Return the power law of least weighted squares for each row.

    Args:
        labels: shape (budgets,).
        scores: shape (rows, budgets).
        weights: how much each budget counts, shape (budgets,).
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
    """Say how far scores miss their power law: by how many times what chance does, and whether that rejects it.

    Residuals of neighbouring budgets go together, so they are measured along the principal axes of their own draws; and
    their draws say what is far.

    Args:
        residuals: of the measured scores, then of their draws, shape (1 + resamples, budgets).
        dof: budgets less parameters, above 0.

    Returns:
        The Birge ratio (Birge 1932, Physical Review 40:207), which is 1 where chance explains the misses; and whether
        fewer than one in twenty draws miss by as much.
    """
    deviations = residuals[1:] - residuals[1:].mean(axis=0)
    _, spread, axes = np.linalg.svd(deviations, full_matrices=False)
    deviation = spread[:dof] / np.sqrt(len(deviations))
    is_informative = deviation > 1e-6
    scaled = residuals @ axes[:dof][is_informative].T / deviation[is_informative]
    error, chance = np.square(scaled[0]).sum(), np.square(scaled[1:] - scaled[1:].mean(axis=0)).sum(axis=1)
    return float(np.sqrt(error / max(is_informative.sum(), 1))), bool((chance >= error).mean() < 0.05)
