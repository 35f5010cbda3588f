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

from satiety.errors import DataError
from satiety.worth import powerlaw
from satiety.worth.powerlaw import PARAMETERS, PowerLaw
from satiety.worth.resample import Drawn
from satiety.worth.spline import natural

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
    scores: Drawn
    """At ``labels``, straight between them; falls neither as measured nor in any draw. Shape (2 · POINTS,)."""
    asymptote: Drawn
    """The score of endless labels."""
    exponent: float
    """Of the power law beyond the largest budget."""
    start: int
    """The smallest budget that this power law was fitted to."""
    stretch: float
    """By how much the draws beyond the largest budget were spread: 1 where one power law fits all budgets."""

    @property
    def smallest(self) -> float:
        """The smallest budget above 0 that was measured."""
        return float(self.labels[0])

    @property
    def largest(self) -> float:
        """The largest budget measured."""
        return float(self.labels[POINTS - 1])

    def at(self, labels: float) -> Drawn:
        """Return the score of so many labels; of the nearest there is, where the curve does not go that far."""
        place = np.interp(labels, self.labels, np.arange(len(self.labels)))
        left = min(int(place), len(self.labels) - 2)
        rows = self.scores.rows
        return Drawn(rows[:, left] + (place - left) * (rows[:, left + 1] - rows[:, left]))

    def reaches(self, scores: Drawn) -> Drawn:
        """Return how many labels a score takes: 0 where the smallest budget has more, infinite where the curve ends.

        Args:
            scores: one score, with as many draws as the curve has: draw for draw on the same test examples.
        """
        rows, wanted = self.scores.rows, scores.rows
        place = (rows < wanted[:, None]).sum(axis=1)
        right = np.clip(place, 1, len(self.labels) - 1)
        here = np.arange(len(rows))
        below, above = rows[here, right - 1], rows[here, right]
        part = np.divide(wanted - below, above - below, out=np.ones_like(wanted), where=above > below)
        found = self.labels[right - 1] + np.clip(part, 0, 1) * (self.labels[right] - self.labels[right - 1])
        return Drawn(np.where(place == len(self.labels), np.inf, np.where(wanted < rows[:, 0], 0.0, found)))


def fit(budgets: Sequence[int], scores: Drawn) -> Curve:
    """Return the curve through scores, shape (budgets,). A budget of 0 is no part of it, nor one without a score.

    Raises:
        DataError: fewer than three budgets are left.
    """
    known = np.array(budgets, dtype=float)
    use = (known > 0) & np.isfinite(scores.point)
    if use.sum() < PARAMETERS:
        raise DataError(f"worth: a curve takes {PARAMETERS} budgets above 0 with scores; there are {use.sum()}")
    labels, rows = known[use], scores.rows[:, use]
    inside = np.geomspace(labels[0], labels[-1], POINTS)
    outside = np.geomspace(labels[-1], labels[-1] * HORIZON, POINTS + 1)[1:]
    measured = _between(labels, rows, inside)
    start, law, stretch = _tail(labels, rows)
    beyond = _beyond(law.at(np.append(outside, np.inf)) - law.at(labels[-1:]), measured[:, -1:], stretch)
    line = Drawn(np.concatenate([measured, beyond[:, :-1]], axis=1))
    end = Drawn(beyond[:, -1])
    return Curve(np.append(inside, outside), line, end, float(law.exponent[0]), int(labels[start]), stretch)


def _between(labels: Floats, rows: Floats, at: Floats) -> Floats:
    """Return the curves in the measured stretch, shape (rows, at)."""
    law = powerlaw.fit(labels, rows, _weights(rows))
    left = (rows - law.at(labels)) @ natural(np.log(labels), np.log(at)).T
    return np.sort(law.at(at) + left, axis=1)


def _tail(labels: Floats, rows: Floats) -> tuple[int, PowerLaw, float]:
    """Return from which budget on a power law holds, that law, and by how much its draws are to be spread."""
    stretch = 1.0
    for start in range(len(labels) - PARAMETERS):
        known, seen = labels[start:], rows[:, start:]
        law = powerlaw.fit(known, seen, _weights(seen))
        ratio, rejected = powerlaw.misfit(seen - law.at(known), len(known) - PARAMETERS)
        if not rejected:
            return start, law, stretch
        stretch = max(ratio, 1.0)
    last = rows[:, -PARAMETERS:]
    return len(labels) - PARAMETERS, powerlaw.fit(labels[-PARAMETERS:], last, _weights(last)), stretch


def _beyond(rise: Floats, last: Floats, stretch: float) -> Floats:
    """Return the curves beyond the largest budget, from its scores on; they stay between those and 1.

    Args:
        rise: of the power laws since the largest budget, shape (rows, labels).
        last: the scores there, shape (rows, 1).
        stretch: factor on each draw's distance from what was measured.
    """
    curves = last + rise
    spread = curves[0] + stretch * (curves - curves[0])
    return np.sort(np.clip(spread, last, np.maximum(last, 1)), axis=1)


def _weights(rows: Floats) -> Floats:
    """Return one over the variance of each budget's draws: by percentiles, for Student's t of two chains has none."""
    low, high = np.quantile(rows[1:], [0.16, 0.84], axis=0)
    return np.asarray(1 / np.square(np.maximum((high - low) / 2, 1e-6)))
