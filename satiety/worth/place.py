"""Scores and the curve of plain -> where every lever set stands on it: at what score, and at how many labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.worth.chains import CURVE
from satiety.worth.equivalence import Labels, equivalent
from satiety.worth.resample import Drawn
from satiety.worth.scores import LeverSet, Scores, gain
from satiety.worth.study import Course

if TYPE_CHECKING:
    from satiety.worth.cells import Cell
    from satiety.worth.curve import Curve
    from satiety.worth.plan import Plan
    from satiety.worth.together import Sure


@dataclass(frozen=True, slots=True)
class Place:
    """What it takes to place a lever set on the curve."""

    plan: Plan
    course: Course
    scores: Scores
    curve: Curve

    def level(self, levers: LeverSet) -> Drawn:
        """Return the score of a lever set at all budgets: plain's on the curve, and what the set adds, draw by draw."""
        plain = np.stack([self.curve.at(n).rows for n in self.scores.budgets], axis=1)
        return Drawn(plain + gain(self.scores, levers).rows)

    def labels(self, levers: LeverSet, score: Drawn, sure: Sure | None) -> Iterator[Labels]:
        """Yield what a lever set is worth in labels at all budgets: just these, where it changes nothing.

        Args:
            levers: the set.
            score: of it, shape (budgets,).
            sure: of what is told together; None for what is told alone, such as a control, for it is the reading that
                controls try.
        """
        gains = gain(self.scores, levers)
        for i, (n, nothing) in enumerate(zip(self.scores.budgets, idle(self.scores, levers), strict=True)):
            if sure is None:
                yield equivalent(self.curve, score[i], self.plan.params.level)
            elif nothing:
                yield Labels(n, 0, np.inf) if untaught(self.course, n) else Labels(n, n, n)
            else:
                yield equivalent(self.curve, score[i], sure.level(gains[i])).holding()


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
