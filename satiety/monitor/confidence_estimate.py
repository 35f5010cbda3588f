"""Tallies as a model expects them (`Problem.expected`) -> the score its answers have if it is right, without labels.

A shift that costs nothing leaves it where it was, whatever else moves; but a model that a shift makes surer than right
is believed too much. By how much, rehearsals tell (`estimate.py`).

Source: CBPE, any score of an expected confusion matrix: Kivimäki et al. 2025, arXiv:2505.05295.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.problems.base import Floats


def estimate_score(problem: Problem, tallies: Floats) -> float:
    """Return the headline metric of tallies, shape (texts, counts); 0 where there are no counts."""
    return float(problem.score(tallies)[problem.headline]) if tallies.size else 0.0
