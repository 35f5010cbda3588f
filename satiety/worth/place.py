"""Scores and the curve of plain -> where every lever set stands on it: at what score, and at how many labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.worth.chains import CURVE
from satiety.worth.equivalence import Labels, equivalent
from satiety.worth.resample import Drawn
from satiety.worth.scores import PLAIN, LeverSet, Scores, gain
from satiety.worth.study import Course, sets

if TYPE_CHECKING:
    from satiety.worth.bench import Plan
    from satiety.worth.cells import Cell
    from satiety.worth.curve import Curve


@dataclass(frozen=True, slots=True)
class Place:
    """What it takes to place a lever set on the curve."""

    plan: Plan
    course: Course
    scores: Scores
    curve: Curve

    def level(self, levers: LeverSet) -> Drawn:
        """Return the score of a lever set at all budgets.

        As measured: plain's on the curve, which has the most chains, and what the lever set adds to plain in its own;
        so it is worth more labels than there are exactly where it gains. As drawn: its own chains', whose luck counts
        then. Of one given up early these are plain's and what it adds, else it would be the luck of few chains.
        """
        scores, added = self.scores, gain(self.scores, levers)
        own = scores.of(PLAIN).rows + added.rows if self._stopped(levers) else scores.of(levers).rows
        plain = np.array([self.curve.at(n).point for n in scores.budgets])
        return Drawn.of(plain + added.point, own[1:])

    def labels(self, levers: LeverSet, level: Drawn) -> Iterator[Labels]:
        """Yield what a lever set is worth in labels at all budgets: just these, where it changes nothing.

        Controls are read off the curve all the same, for it is the reading that they try.
        """
        real = levers in sets(self.plan.params)
        for i, (n, nothing) in enumerate(zip(self.scores.budgets, idle(self.scores, levers), strict=True)):
            if real and nothing:
                yield Labels(n, 0, np.inf) if untaught(self.course, n) else Labels(n, n, n)
            else:
                read = equivalent(self.curve, level[i], self.plan.params.level)
                yield read.holding() if real else read

    def _stopped(self, levers: LeverSet) -> bool:
        return levers in self.plan.around and self.plan.acting(levers) in self.course.stopped


def idle(scores: Scores, levers: LeverSet) -> Any:
    """Return of each budget whether a lever set scores there what plain does, in every chain and however it is drawn.

    As retrieval alone does, whose finds nobody reads; or any lever where answering without training is better.
    """
    return (gain(scores, levers).rows == 0).all(axis=0)


def untaught(course: Course, budget: int) -> bool:
    """Return whether plain answers by label names alone at a budget: what was learned does not beat that yet."""
    plain = (o for c, o in course.outcomes.items() if measured(c) and c.budget == budget and not c.levers)
    return all(outcome.zero_shot for outcome in plain)


def measured(cell: Cell) -> bool:
    """Return whether a cell is one that lever sets are compared by."""
    return cell.depth == "quick" and cell.budget > 0 and cell.chain < CURVE
