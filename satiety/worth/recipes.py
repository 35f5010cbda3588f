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
    from satiety.worth.cells import Cell
    from satiety.worth.cellstore import Outcome


def best(outcomes: Mapping[Cell, Outcome], zero: Floats, problem: Problem) -> dict[Cell, Outcome]:
    """Return the outcomes of the quick depth at their best recipe; those of the full depth as they are.

    Args:
        outcomes: as the cells gave them.
        zero: tallies of answers without training, shape (examples, counts).
        problem: says what they score.
    """

    def score(tallies: Floats) -> float:
        return float(problem.score(tallies)[problem.headline])

    places: dict[object, list[float]] = defaultdict(list)
    for cell, outcome in outcomes.items():
        places[_place(cell)].append(score(outcome.tallies))
    untrained = score(zero)
    return {
        cell: replace(outcome, tallies=zero, zero_shot=True)
        if cell.depth == "quick" and np.mean(places[_place(cell)]) < untrained
        else outcome
        for cell, outcome in outcomes.items()
    }


def _place(cell: Cell) -> object:
    return cell.budget, cell.levers, cell.gated, cell.depth
