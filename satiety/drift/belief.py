"""A model's own probabilities -> the score that its answers would have if these were right. It needs no label.

A shift that costs nothing leaves it where it was, whatever else moves; but a model that a shift makes surer than right
is believed too much. By how much, rehearsals tell (`estimate.py`).

Source: CBPE, any score of an expected confusion matrix: Kivimäki et al. 2025, arXiv:2505.05295.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.problems.base import Prediction
from satiety.records import Example

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.problems.base import Floats


def believed(problem: Problem, scores: Floats) -> Floats:
    """Return the tallies of answers as the model expects them, shape (texts, counts); no counts where spans are asked.

    Args:
        problem: that is asked.
        scores: probability of each class, shape (texts, classes).
    """
    if problem.head != "text":
        return np.zeros((len(scores), 0))
    names = problem.classes
    answers = [Prediction(names[i]) for i in scores.argmax(axis=1)]
    found = [problem.tally([Example("", "", name)] * len(answers), answers) for name in names]
    expected: Floats = np.einsum("ntc,tn->tc", np.stack(found), scores)
    return expected


def score(problem: Problem, tallies: Floats) -> float:
    """Return the headline metric of tallies, shape (texts, counts); 0 where there are no counts."""
    return float(problem.measure(tallies.sum(axis=0))[problem.headline]) if tallies.size else 0.0
