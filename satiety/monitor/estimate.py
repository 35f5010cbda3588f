"""Rehearsals -> an estimate, without labels, of how the score has changed in a window, with an interval.

It begins with what the model itself believes of its answers; a forest of random trees learns what signs mean for how
far that is off. How far it errs is seen where it did not learn: on windows drawn from one half of the texts it is asked
after learning from those of the other. Of these errors, those of the windows for which it says nearly the same are the
interval: it is wider where changes are harder to tell.

Sources: extremely randomised trees: Geurts et al. 2006, Machine Learning 63:3; the interval: split conformal
prediction, Lei et al. 2018, arXiv:1604.04173, here among the neighbours of the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval

if TYPE_CHECKING:
    from satiety.monitor.shift_simulation import SimulatedShifts
    from satiety.problems.base import Floats

TREES, LEAF = 300, 3
NEAR = 100
"""Rehearsed windows, nearest in what is said of them, whose errors count."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimator:
    """Says what signs mean for the score, beyond what the model believes."""

    forest: Any
    predictions: Floats
    """What is said of rehearsed windows by a forest that has not learned from their half, shape (windows,)."""
    errors: Floats
    """True change − what is said, shape (windows,)."""

    def estimate_change(self, features: Floats, confidence_change: float, confidence_level: float) -> Interval:
        """Return the change of the score that goes with these signs, shape (signs,), and with what is believed."""
        value = confidence_change + float(self.forest.predict(np.append(features, confidence_change)[None])[0])
        ends = np.quantile(self.select_changes(value), [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
        return Interval(value, *(float(end) for end in ends))

    def select_changes(self, value: float) -> Floats:
        """Return changes of the score that go with what is said, each as likely as any other."""
        nearest = np.argsort(np.abs(self.predictions - value), kind="stable")[:NEAR]
        changes: Floats = value + self.errors[nearest]
        return changes


def fit_estimator(simulated: SimulatedShifts, seed: int) -> Estimator:
    """Learn from rehearsals."""
    features = np.column_stack([simulated.features, simulated.confidence_changes])
    residuals, predictions = simulated.changes - simulated.confidence_changes, simulated.confidence_changes.copy()
    for half in np.unique(simulated.halves):
        is_held_out, is_training = simulated.halves == half, simulated.halves == half ^ 1
        predictions[is_held_out] += _fit_forest(features[is_training], residuals[is_training], seed).predict(
            features[is_held_out]
        )
    return Estimator(_fit_forest(features, residuals, seed), predictions, simulated.changes - predictions)


def _fit_forest(features: Floats, residuals: Floats, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, random_state=seed).fit(features, residuals)
