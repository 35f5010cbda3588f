"""Learning curve and target score -> labels needed, and a backtest of such forecasts.

A forecast inverts the curve sample by sample, like label equivalence, but includes the extrapolation by the power law
beyond the largest budget (see :mod:`satiety.worth.curve`).
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
    """Labels needed for a target score."""

    target: float
    labels: LabelCount
    """Infinite: never, or more than 1,000 times the largest budget."""
    is_reachable: bool
    """Whether the estimated curve and at least half of its samples reach the target."""


@dataclass(frozen=True, slots=True)
class BacktestForecast:
    """Forecast of a budget's score from smaller budgets."""

    max_fitted: int
    """Largest budget used for the forecast."""
    budget: int
    score: Interval
    """Forecast with its prediction interval, which includes the noise of the measurement."""
    measured: float

    @property
    def is_covered(self) -> bool:
        """Whether the measured score lies in the interval."""
        return self.score.low <= self.measured <= self.score.high


@dataclass(frozen=True, slots=True)
class Backtest:
    """Forecasts of every budget from all smaller ones."""

    forecasts: tuple[BacktestForecast, ...]

    @property
    def num_covered(self) -> int:
        """Number of measured scores inside their intervals."""
        return sum(check.is_covered for check in self.forecasts)

    @property
    def share(self) -> float | None:
        """Share of measured scores inside their intervals; None without forecasts."""
        return self.num_covered / len(self.forecasts) if self.forecasts else None


def forecast(curve: Curve, target: float, confidence_level: float) -> Forecast:
    """Return the labels needed for a target score."""
    labels = curve.invert(BootstrapSamples(np.full(1 + len(curve.scores.draws), target)))
    is_reachable = bool(np.isfinite(labels.point) and np.isfinite(labels.draws).mean() >= 0.5)
    count = LabelCount.from_samples(labels, confidence_level)
    return Forecast(target, count if is_reachable else replace(count, value=np.inf), is_reachable)


def backtest(budgets: Sequence[int], scores: BootstrapSamples, confidence_level: float) -> Backtest:
    """Forecast each budget's score from three or more smaller budgets.

    Args:
        budgets: ascending; 0 is ignored.
        scores: of the baseline, shape (budgets,).
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
    """Compare a forecast and a measured score; their shared noise (replicates, test set) cancels in the difference."""
    expected = curve.predict(budget)
    error = (expected - score).interval(confidence_level)
    measured = float(score.point)
    prediction = Interval(float(expected.point), measured + error.low, measured + error.high)
    return BacktestForecast(int(curve.largest), budget, prediction, measured)
