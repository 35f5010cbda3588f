"""Outcomes -> the same, with answers without training where no training does better: the best recipe of each place.

A place is a budget and a lever set; one choice is made for all its chains, by their mean score on the test texts. So
plain never falls below what needs no label at all, and a lever is not praised for a change of recipe.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.problems.base import Floats
    from satiety.worth.run_store import Outcome
    from satiety.worth.runs import StudyRun


def select_recipes(
    outcomes: Mapping[StudyRun, Outcome], zero_shot: Floats, problem: Problem
) -> dict[StudyRun, Outcome]:
    """Return the outcomes of the quick depth at their best recipe; those of the full depth as they are.

    Args:
        outcomes: as the cells gave them.
        zero_shot: tallies of answers without training, shape (examples, counts).
        problem: says what they score.
    """

    def score(tallies: Floats) -> float:
        return float(problem.score(tallies)[problem.headline])

    groups: dict[object, list[float]] = defaultdict(list)
    for run, outcome in outcomes.items():
        groups[_group_run(run)].append(score(outcome.tallies))
    untrained = score(zero_shot)
    return {
        run: replace(outcome, tallies=zero_shot, is_zero_shot=True)
        if run.depth == "quick" and np.mean(groups[_group_run(run)]) < untrained
        else outcome
        for run, outcome in outcomes.items()
    }


def _group_run(run: StudyRun) -> object:
    return run.budget, run.levers, run.is_gated, run.depth
