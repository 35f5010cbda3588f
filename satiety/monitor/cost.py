"""A loss of score and the meter's learning curve -> what the loss costs in labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class LabelCost:
    """Labels that a loss undoes: with so many fewer, labels alone would have brought the score down as far."""

    value: float
    low: float
    high: float
    of: int
    """Labels that were spent."""


def estimate_label_cost(change: Interval, curve: Sequence[Mapping[str, Any]]) -> LabelCost | None:
    """Return what a change of score costs; None where there is no curve to read it off.

    The curve is read between the budgets that were measured, over the logarithm of the labels. A loss greater than all
    that labels have brought costs all of them; a gain costs none.

    Args:
        change: of the score; a loss is negative.
        curve: `reports/worth.json`'s, {budget, value}.
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
