"""Loss of score and learning curve of `worth` -> cost of the loss in labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class LabelCost:
    """Labels whose gain equals a loss: with so many fewer labels the score would be lower by that loss."""

    value: float
    low: float
    high: float
    total: int
    """Labels of the largest measured budget."""


def estimate_label_cost(change: Interval, curve: Sequence[Mapping[str, Any]]) -> LabelCost | None:
    """Return the cost of a change of score in labels; None without an increasing learning curve.

    The curve is interpolated over the logarithm of the labels. A loss larger than the whole gain of the curve costs all
    labels; a gain costs none.

    Args:
        change: change of the score; negative for a loss.
        curve: points {budget, value} of `reports/worth.json`.
    """
    budgets = np.array([float(point["budget"]) for point in curve])
    scores = np.maximum.accumulate([float(point["value"]) for point in curve] or [0.0])
    if len(budgets) < 2 or scores[-1] <= scores[0]:
        return None
    log_budgets = np.log1p(budgets)

    def count_lost_labels(loss: float) -> float:
        remaining = np.interp(scores[-1] - max(loss, 0.0), scores, log_budgets)
        return round(float(budgets[-1] - np.expm1(remaining)), 1)

    return LabelCost(
        count_lost_labels(-change.value),
        count_lost_labels(-change.high),
        count_lost_labels(-change.low),
        int(budgets[-1]),
    )
