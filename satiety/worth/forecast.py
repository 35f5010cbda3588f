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
from satiety.worth.label_count import LabelCount
from satiety.worth.powerlaw import PARAMETERS
from satiety.worth.resample import BootstrapSamples


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a target takes."""

    target: float
    labels: LabelCount
    """Infinite: never, or more than a thousand times the largest budget."""
    is_reachable: bool
    """Whether the curve as measured, and half of its draws at least, come to the target."""


@dataclass(frozen=True, slots=True)
class BacktestForecast:
    """A budget's score, forecast from smaller budgets."""

    max_fitted: int
    """The largest budget that the forecast knew."""
    budget: int
    score: Interval
    """The forecast; its interval is for the score to be measured, so it holds that measurement's own noise too."""
    measured: float

    @property
    def is_covered(self) -> bool:
        """Whether the measured score lies in the interval."""
        return self.score.low <= self.measured <= self.score.high


@dataclass(frozen=True, slots=True)
class Backtest:
    """Every forecast that could have been made on the way."""

    forecasts: tuple[BacktestForecast, ...]

    @property
    def num_covered(self) -> int:
        """How many held."""
        return sum(check.is_covered for check in self.forecasts)

    @property
    def share(self) -> float | None:
        """The share that held; None where there was none to make."""
        return self.num_covered / len(self.forecasts) if self.forecasts else None


def forecast(curve: Curve, target: float, confidence_level: float) -> Forecast:
    """Return how many labels a target score takes."""
    labels = curve.invert(BootstrapSamples(np.full(1 + len(curve.scores.draws), target)))
    is_reachable = bool(np.isfinite(labels.point) and np.isfinite(labels.draws).mean() >= 0.5)
    count = LabelCount.from_samples(labels, confidence_level)
    return Forecast(target, count if is_reachable else replace(count, value=np.inf), is_reachable)


def backtest(budgets: Sequence[int], scores: BootstrapSamples, confidence_level: float) -> Backtest:
    """Forecast each budget's score from the smaller ones, three at least.

    Args:
        budgets: ascending; 0 may be among them.
        scores: of plain, shape (budgets,).
        confidence_level: of the prediction intervals.
    """
    positive = [i for i, budget in enumerate(budgets) if budget > 0 and np.isfinite(scores.point[i])]
    checks = []
    for end in range(PARAMETERS, len(positive)):
        fitted = positive[:end]
        curve = curves.fit([budgets[i] for i in fitted], scores[fitted])
        checks += [_compare(curve, budgets[i], scores[i], confidence_level) for i in positive[end:]]
    return Backtest(tuple(checks))


def _compare(curve: Curve, budget: int, score: BootstrapSamples, confidence_level: float) -> BacktestForecast:
    """Compare one forecast. What the noise of both has in common (chains, test examples) cancels in the difference."""
    expected = curve.predict(budget)
    error = (expected - score).interval(confidence_level)
    measured = float(score.point)
    prediction = Interval(float(expected.point), measured + error.low, measured + error.high)
    return BacktestForecast(int(curve.largest), budget, prediction, measured)
