"""Scores at budgets -> a learning curve that never falls, drawn as often as the scores are.

Between measured budgets it goes through the measured scores: a power law gives the bend, and what it leaves over is
carried by a natural cubic spline in log n, so that a curve that is no power law is followed as well. A curve that falls
somewhere is rearranged, that is sorted: this brings any estimate of a rising curve nearer to it.

Beyond the largest budget the power law alone speaks: the curve rises from the last score as the law does. The smallest
budgets are left out until chance explains what the law misses, for learning begins before its power law does (the small
data region of Hestness et al.). Where any were left out, the draws are spread by the factor (Birge ratio) by which
chance fell short just before: then the law is a guide and no truth, and intervals say so. Three budgets cannot tell.

Source: Hestness et al. 2017, arXiv:1712.00409, section 5; where power laws fail: Viering & Loog 2021, arXiv:2103.10948;
rearrangement: Chernozhukov, Fernández-Val & Galichon 2009, arXiv:0806.4730.
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
from satiety.worth.spline import build_spline_matrix

if TYPE_CHECKING:
    from satiety.problems.base import Floats

POINTS = 256
"""Of the measured stretch of a curve, evenly spaced in log n; as many beyond it."""
HORIZON = 1000.0
"""How many times the largest budget a curve goes on: further than anybody labels."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Labels -> score."""

    labels: Floats
    """Ascending: POINTS up to the largest budget measured, as many beyond it; shape (2 · POINTS,)."""
    scores: BootstrapSamples
    """At ``labels``, straight between them; falls neither as measured nor in any draw. Shape (2 · POINTS,)."""
    asymptote: BootstrapSamples
    """The score of endless labels."""
    exponent: float
    """Of the power law beyond the largest budget."""
    fit_start: int
    """The smallest budget that this power law was fitted to."""
    spread_factor: float
    """By how much the draws beyond the largest budget were spread: 1 where one power law fits all budgets."""

    @property
    def smallest(self) -> float:
        """The smallest budget above 0 that was measured."""
        return float(self.labels[0])

    @property
    def largest(self) -> float:
        """The largest budget measured."""
        return float(self.labels[POINTS - 1])

    def predict(self, labels: float) -> BootstrapSamples:
        """Return the score of so many labels; of the nearest there is, where the curve does not go that far."""
        position = np.interp(labels, self.labels, np.arange(len(self.labels)))
        knot = min(int(position), len(self.labels) - 2)
        rows = self.scores.rows
        return BootstrapSamples(rows[:, knot] + (position - knot) * (rows[:, knot + 1] - rows[:, knot]))

    def invert(self, scores: BootstrapSamples) -> BootstrapSamples:
        """Return how many labels a score takes: 0 where the smallest budget has more, infinite where the curve ends.

        Args:
            scores: one score, with as many draws as the curve has: draw for draw on the same test examples.
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
    """Return the curve through scores, shape (budgets,). A budget of 0 is no part of it, nor one without a score.

    Raises:
        DataError: fewer than three budgets are left.
    """
    all_budgets = np.array(budgets, dtype=float)
    is_usable = (all_budgets > 0) & np.isfinite(scores.point)
    if is_usable.sum() < PARAMETERS:
        raise DataError(f"worth: a curve takes {PARAMETERS} budgets above 0 with scores; there are {is_usable.sum()}")
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
    """Return the curves in the measured stretch, shape (rows, at)."""
    law = powerlaw.fit(labels, rows, _weigh(rows))
    residuals = (rows - law.predict(labels)) @ build_spline_matrix(np.log(labels), np.log(points)).T
    return np.sort(law.predict(points) + residuals, axis=1)


def _fit_tail(labels: Floats, rows: Floats) -> tuple[int, PowerLaw, float]:
    """Return from which budget on a power law holds, that law, and by how much its draws are to be spread."""
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
    """Return the curves beyond the largest budget, from its scores on; they stay between those and 1.

    Args:
        rise: of the power laws since the largest budget, shape (rows, labels).
        last: the scores there, shape (rows, 1).
        spread_factor: factor on each draw's distance from what was measured.
    """
    curves = last + rise
    spread = curves[0] + spread_factor * (curves - curves[0])
    return np.sort(np.clip(spread, last, np.maximum(last, 1)), axis=1)


def _weigh(rows: Floats) -> Floats:
    """Return one over the variance of each budget's draws: by percentiles, for Student's t of two chains has none."""
    low, high = np.quantile(rows[1:], [0.16, 0.84], axis=0)
    return np.asarray(1 / np.square(np.maximum((high - low) / 2, 1e-6)))
