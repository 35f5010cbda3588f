"""A learning curve and a target -> how many labels the target takes; and how well such forecasts did so far.

A forecast inverts the curve draw by draw, as label equivalence does, but goes on beyond the largest budget, where
the power law speaks (see :mod:`satiety.worth.curve` for when it is believed, and how often its intervals hold).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from satiety.evaluate.bootstrap import Interval
from satiety.worth import curve as curves
from satiety.worth.curve import Curve
from satiety.worth.equivalence import Labels
from satiety.worth.powerlaw import PARAMETERS
from satiety.worth.resample import Drawn


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a target takes."""

    target: float
    labels: Labels
    """Infinite: never, or more than a thousand times the largest budget."""
    reachable: bool
    """Whether the curve as measured, and half of its draws at least, come to the target."""


@dataclass(frozen=True, slots=True)
class Check:
    """A budget's score, forecast from smaller budgets."""

    known: int
    """The largest budget that the forecast knew."""
    budget: int
    score: Interval
    """The forecast; its interval is for the score to be measured, so it holds that measurement's own noise too."""
    measured: float

    @property
    def covered(self) -> bool:
        """Whether the measured score lies in the interval."""
        return self.score.low <= self.measured <= self.score.high


@dataclass(frozen=True, slots=True)
class Backtest:
    """Every forecast that could have been made on the way."""

    forecasts: tuple[Check, ...]

    @property
    def covered(self) -> int:
        """How many held."""
        return sum(check.covered for check in self.forecasts)

    @property
    def share(self) -> float | None:
        """The share that held; None where there was none to make."""
        return self.covered / len(self.forecasts) if self.forecasts else None


def forecast(curve: Curve, target: float, level: float) -> Forecast:
    """Return how many labels a target score takes."""
    labels = curve.reaches(Drawn(np.full(1 + len(curve.scores.draws), target)))
    reachable = bool(np.isfinite(labels.point) and np.isfinite(labels.draws).mean() >= 0.5)
    found = Labels.of(labels, level)
    return Forecast(target, found if reachable else replace(found, value=np.inf), reachable)


def backtest(budgets: Sequence[int], scores: Drawn, level: float) -> Backtest:
    """Forecast each budget's score from the smaller ones, three at least.

    Args:
        budgets: ascending; 0 may be among them.
        scores: of plain, shape (budgets,).
        level: of the prediction intervals.
    """
    above = [i for i, budget in enumerate(budgets) if budget > 0 and np.isfinite(scores.point[i])]
    checks = []
    for end in range(PARAMETERS, len(above)):
        known = above[:end]
        curve = curves.fit([budgets[i] for i in known], scores[known])
        checks += [_check(curve, budgets[i], scores[i], level) for i in above[end:]]
    return Backtest(tuple(checks))


def _check(curve: Curve, budget: int, score: Drawn, level: float) -> Check:
    """Compare one forecast. What the noise of both has in common (chains, test examples) cancels in the difference."""
    expected = curve.at(budget)
    missed = (expected - score).interval(level)
    measured = float(score.point)
    around = Interval(float(expected.point), measured + missed.low, measured + missed.high)
    return Check(int(curve.largest), budget, around, measured)
