"""Scores at budgets -> a non-decreasing learning curve, one for each resample of the scores.

Between measured budgets the curve passes through the measured scores: a power law plus a natural cubic spline in log n
through its residuals, so other shapes are followed as well. A curve that falls somewhere is rearranged (sorted), which
brings any estimate of a monotone curve closer to it.

Beyond the largest budget the curve rises from the last score like the power law. Learning starts before its power law
holds (the small data region of Hestness et al.). The smallest budgets are therefore left out of this fit until chance
explains its residuals. If any were left out, the samples are spread by the Birge ratio of the last rejected fit, so
that intervals allow for an inexact law. Three budgets fit any power law and cannot be tested.

Sources: Hestness et al. 2017, arXiv:1712.00409, section 5; where power laws fail: Viering & Loog 2021,
arXiv:2103.10948; rearrangement: Chernozhukov, Fernández-Val & Galichon 2009, arXiv:0806.4730; splines: de Boor 1978, A
Practical Guide to Splines, chapter IV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.errors import DataError
from satiety.worth import powerlaw
from satiety.worth.powerlaw import PARAMETERS, PowerLaw
from satiety.worth.resample import BootstrapSamples

if TYPE_CHECKING:
    from satiety.problems.base import Floats

POINTS = 256
"""Points up to the largest budget, evenly spaced in log n; as many beyond it."""
HORIZON = 1000.0
"""End of the curve, in multiples of the largest budget."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Learning curve: labels -> score."""

    labels: Floats
    """Ascending: POINTS up to the largest budget, as many beyond it; shape (2 · POINTS,)."""
    scores: BootstrapSamples
    """Score at ``labels``, non-decreasing in every sample, linear in between; shape (2 · POINTS,)."""
    asymptote: BootstrapSamples
    """Score in the limit of infinitely many labels."""
    exponent: float
    """Exponent of the power law beyond the largest budget."""
    fit_start: int
    """Smallest budget that this power law was fitted to."""
    spread_factor: float
    """Factor on the spread of samples beyond the largest budget; 1 where one power law fits all budgets."""

    @property
    def smallest(self) -> float:
        """Smallest measured budget above 0."""
        return float(self.labels[0])

    @property
    def largest(self) -> float:
        """Largest measured budget."""
        return float(self.labels[POINTS - 1])

    def predict(self, labels: float) -> BootstrapSamples:
        """Return the score at a number of labels, which is clipped to the range of the curve."""
        position = np.interp(labels, self.labels, np.arange(len(self.labels)))
        knot = min(int(position), len(self.labels) - 2)
        rows = self.scores.rows
        return BootstrapSamples(rows[:, knot] + (position - knot) * (rows[:, knot + 1] - rows[:, knot]))

    def invert(self, scores: BootstrapSamples) -> BootstrapSamples:
        """Return the labels at which the curve reaches a score.

        They are 0 where the smallest budget scores higher, and infinite where the curve ends below the score.

        Args:
            scores: of shape (), with as many samples as the curve, on the same resamples of the test set.
        """
        rows, targets = self.scores.rows, scores.rows
        position = (rows < targets[:, None]).sum(axis=1)
        upper = np.clip(position, 1, len(self.labels) - 1)
        draws = np.arange(len(rows))
        below, above = rows[draws, upper - 1], rows[draws, upper]
        fraction = np.divide(targets - below, above - below, out=np.ones_like(targets), where=above > below)
        crossings = self.labels[upper - 1] + np.clip(fraction, 0, 1) * (self.labels[upper] - self.labels[upper - 1])
        return BootstrapSamples(
            np.where(position == len(self.labels), np.inf, np.where(targets < rows[:, 0], 0.0, crossings))
        )


def fit(budgets: Sequence[int], scores: BootstrapSamples) -> Curve:
    """Return the curve through scores of shape (budgets,); budget 0 and budgets without a score are ignored.

    Raises:
        DataError: fewer than three budgets remain.
    """
    all_budgets = np.array(budgets, dtype=float)
    is_usable = (all_budgets > 0) & np.isfinite(scores.point)
    if is_usable.sum() < PARAMETERS:
        raise DataError(
            f"worth: a learning curve needs scores at {PARAMETERS} budgets above 0, but there are {is_usable.sum()}; "
            "raise worth.budgets or ingest.budget"
        )
    labels, rows = all_budgets[is_usable], scores.rows[:, is_usable]
    measured_points = np.geomspace(labels[0], labels[-1], POINTS)
    extrapolated_points = np.geomspace(labels[-1], labels[-1] * HORIZON, POINTS + 1)[1:]
    measured = _interpolate(labels, rows, measured_points)
    start, law, spread_factor = _fit_tail(labels, rows)
    extrapolated = _extrapolate(
        law.predict(np.append(extrapolated_points, np.inf)) - law.predict(labels[-1:]), measured[:, -1:], spread_factor
    )
    line = BootstrapSamples(np.concatenate([measured, extrapolated[:, :-1]], axis=1))
    asymptote = BootstrapSamples(extrapolated[:, -1])
    return Curve(
        np.append(measured_points, extrapolated_points),
        line,
        asymptote,
        float(law.exponent[0]),
        int(labels[start]),
        spread_factor,
    )


def _interpolate(labels: Floats, rows: Floats, points: Floats) -> Floats:
    """Return the curves between measured budgets, shape (rows, points)."""
    from scipy.interpolate import CubicSpline

    law = powerlaw.fit(labels, rows, _weigh(rows))
    residuals = CubicSpline(np.log(labels), rows - law.predict(labels), axis=1, bc_type="natural")
    return np.sort(law.predict(points) + residuals(np.log(points)), axis=1)


def _fit_tail(labels: Floats, rows: Floats) -> tuple[int, PowerLaw, float]:
    """Return the first budget from which a power law holds, the law, and the factor on its samples' spread."""
    spread_factor = 1.0
    for start in range(len(labels) - PARAMETERS):
        tail_labels, tail_rows = labels[start:], rows[:, start:]
        law = powerlaw.fit(tail_labels, tail_rows, _weigh(tail_rows))
        ratio, is_rejected = powerlaw.measure_misfit(
            tail_rows - law.predict(tail_labels), len(tail_labels) - PARAMETERS
        )
        if not is_rejected:
            return start, law, spread_factor
        spread_factor = max(ratio, 1.0)
    last = rows[:, -PARAMETERS:]
    return len(labels) - PARAMETERS, powerlaw.fit(labels[-PARAMETERS:], last, _weigh(last)), spread_factor


def _extrapolate(rise: Floats, last: Floats, spread_factor: float) -> Floats:
    """Return the curves beyond the largest budget, at least the scores there and at most 1.

    Args:
        rise: of the power laws since the largest budget, shape (rows, labels).
        last: scores at the largest budget, shape (rows, 1).
        spread_factor: factor on each sample's distance from the estimate.
    """
    curves = last + rise
    spread = curves[0] + spread_factor * (curves - curves[0])
    return np.sort(np.clip(spread, last, np.maximum(last, 1)), axis=1)


def _weigh(rows: Floats) -> Floats:
    """Return each budget's inverse variance, from percentiles because Student's t of two replicates has none."""
    low, high = np.quantile(rows[1:], [0.16, 0.84], axis=0)
    return np.asarray(1 / np.square(np.maximum((high - low) / 2, 1e-6)))
