"""A gain that is not sure yet -> how many labels would make it sure, if it is what it looks like.

Of its variance one part falls with the labels, the luck of the pool, as 1 / labels; the rest, that of the test examples
among it, stays. A gain is sure where its interval, which reaches a number of spreads, leaves 0 out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.worth.resample import Drawn
from satiety.worth.scores import LeverSet, gain

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


@dataclass(frozen=True, slots=True)
class Enough:
    """What it takes to be sure of the best lever set."""

    levers: LeverSet
    labels: int | None
    """None: more labels alone never do, for with these test examples too much stays unsure."""


def enough(found: Findings, sets: Sequence[LeverSet]) -> Enough | None:
    """Return what it takes to be sure of the gain that is largest with all labels; None where it is none that matters.

    It is taken to stay as large as it was measured.

    Args:
        found: of a study.
        sets: lever sets, each of which changes something.
    """
    best = max(sets, key=lambda levers: found.gains[levers][-1].value, default=None)
    if best is None or found.gains[best][-1].value < max(found.plan.params.least, 1e-9):
        return None
    drawn = gain(found.scores, best)[len(found.scores.budgets) - 1]
    pool = Drawn.of(0.0, found.scores.pool[best]).spread ** 2
    room = (float(drawn.point) / found.sure.reach) ** 2 - max(drawn.spread**2 - pool, 0.0)
    return Enough(best, int(np.ceil(found.top * pool / room)) if room > 0 else None)
