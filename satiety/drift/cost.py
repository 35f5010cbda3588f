"""A loss of score and the meter's learning curve -> what the loss costs in labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class Cost:
    """Labels that a loss undoes: with so many fewer, labels alone would have brought the score down as far."""

    value: float
    low: float
    high: float
    of: int
    """Labels that were spent."""


def in_labels(change: Interval, curve: Sequence[Mapping[str, Any]]) -> Cost | None:
    """Return what a change of score costs; None where there is no curve to read it off.

    The curve is read between the budgets that were measured, over the logarithm of the labels. A loss greater than all
    that labels have brought costs all of them; a gain costs none.

    Args:
        change: of the score; a loss is negative.
        curve: `reports/worth.json`'s, {budget, value}.
    """
    budgets = np.array([float(one["budget"]) for one in curve])
    scores = np.maximum.accumulate([float(one["value"]) for one in curve] or [0.0])
    if len(budgets) < 2 or scores[-1] <= scores[0]:
        return None
    steps = np.log1p(budgets)

    def undone(loss: float) -> float:
        left = np.interp(scores[-1] - max(loss, 0.0), scores, steps)
        return round(float(budgets[-1] - np.expm1(left)), 1)

    return Cost(undone(-change.value), undone(-change.high), undone(-change.low), int(budgets[-1]))
