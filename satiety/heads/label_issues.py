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


def find_label_issues(probabilities: Floats, answers: NDArray[np.integer[Any]]) -> list[int]:
    """Return the rows whose label looks wrong, for held-out probabilities (rows, classes) and labels (rows,)."""
    rows, classes = np.arange(len(answers)), probabilities.shape[1]
    thresholds = np.array([_mean_confidence(probabilities[answers == label, label]) for label in range(classes)])
    confident = np.where(probabilities >= thresholds, probabilities, 0.0)
    label_scores, rival = probabilities[rows, answers], confident.argmax(1)
    margins = confident[rows, rival] - label_scores
    issues = np.flatnonzero(margins > 0)
    return [int(row) for row in issues[np.argsort(-margins[issues], kind="stable")]]


def _mean_confidence(chances: Floats) -> float:
    """Return how sure the model usually is of a label; of one that no row has, never sure enough."""
    return float(chances.mean()) if len(chances) else np.inf
