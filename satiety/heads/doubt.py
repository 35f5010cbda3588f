"""Labels and what a model says that never saw them -> the labels that look wrong, the most doubtful first.

A row is doubtful where the model thinks another label likelier, and is as sure of that one as it usually is of the rows
that have it. Hard texts are among them, so their number is an upper bound of what is wrong.

Source: Northcutt, Jiang & Chuang 2021, "Confident learning" (JAIR 70, arXiv:1911.00068), sections 3.1 and 3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats


def doubtful(chances: Floats, answers: NDArray[np.integer[Any]]) -> list[int]:
    """Return the rows whose label looks wrong, for held-out probabilities (rows, classes) and labels (rows,)."""
    rows, classes = np.arange(len(answers)), chances.shape[1]
    usual = np.array([_mean(chances[answers == label, label]) for label in range(classes)])
    sure = np.where(chances >= usual, chances, 0.0)
    given, rival = chances[rows, answers], sure.argmax(1)
    margins = sure[rows, rival] - given
    odd = np.flatnonzero(margins > 0)
    return [int(row) for row in odd[np.argsort(-margins[odd], kind="stable")]]


def _mean(chances: Floats) -> float:
    """Return how sure the model usually is of a label; of one that no row has, never sure enough."""
    return float(chances.mean()) if len(chances) else np.inf
