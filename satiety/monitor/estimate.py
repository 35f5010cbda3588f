"""Simulated shifts -> estimator of the change of a model's score in a window, without labels, with an interval.

The estimate is the change of the confidence estimate, corrected by a forest of randomised trees on the shift features.
The interval uses out-of-sample errors: each half of the labelled texts is predicted by a forest trained on the other
half, and the errors of the simulated windows with the most similar predictions give the quantiles. It is therefore
wider where changes are harder to predict.

Sources: extremely randomised trees: Geurts et al. 2006, Machine Learning 63:3; split conformal prediction: Lei et al.
2018, arXiv:1604.04173, here among the neighbours of the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, percentile_interval

if TYPE_CHECKING:
    from satiety.monitor.shift_simulation import SimulatedShifts
    from satiety.problems.base import Floats

TREES, LEAF = 300, 3
NEIGHBORS = 100
"""Simulated windows with the most similar predictions, whose errors give the interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimator:
    """Forest that predicts the error of the confidence estimate, with its out-of-sample errors."""

    forest: Any
    predictions: Floats
    """Out-of-sample predictions of the simulated changes, shape (windows,)."""
    errors: Floats
    """True change − prediction, shape (windows,)."""

    def estimate_change(self, features: Floats, confidence_change: float, confidence_level: float) -> Interval:
        """Return the estimated change of the score of a window, with its interval.

        Args:
            features: shift features of the window, shape (features,).
            confidence_change: change of the confidence estimate (CBPE); the forest predicts how far that is off.
            confidence_level: of the interval.
        """
        value = confidence_change + float(self.forest.predict(np.append(features, confidence_change)[None])[0])
        return percentile_interval(value, self.sample_changes(value), confidence_level)

    def sample_changes(self, value: float) -> Floats:
        """Return equally likely true changes for a prediction, shape (at most NEIGHBORS,)."""
        nearest = np.argsort(np.abs(self.predictions - value), kind="stable")[:NEIGHBORS]
        changes: Floats = value + self.errors[nearest]
        return changes


def fit_estimator(simulated: SimulatedShifts, seed: int) -> Estimator:
    """Fit the forest to simulated shifts, and its out-of-sample errors half by half."""
    features = np.column_stack([simulated.features, simulated.confidence_changes])
    residuals, predictions = simulated.changes - simulated.confidence_changes, simulated.confidence_changes.copy()
    for half in np.unique(simulated.halves):
        is_held_out, is_training = simulated.halves == half, simulated.halves == half ^ 1
        half_forest = _fit_forest(features[is_training], residuals[is_training], seed)
        predictions[is_held_out] += half_forest.predict(features[is_held_out])
    return Estimator(_fit_forest(features, residuals, seed), predictions, simulated.changes - predictions)


def _fit_forest(features: Floats, residuals: Floats, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, random_state=seed).fit(features, residuals)
