"""Scores and the curve of plain -> where every lever set stands on it: at what score, and at how many labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.worth.label_count import LabelCount, estimate_labels
from satiety.worth.replicates import FIRST_CURVE_REPLICATE
from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import LeverSet, Scores, compute_gain
from satiety.worth.study import Measurements

if TYPE_CHECKING:
    from satiety.worth.curve import Curve
    from satiety.worth.plan import Plan
    from satiety.worth.runs import StudyRun
    from satiety.worth.simultaneous import SimultaneousBand


@dataclass(frozen=True, slots=True)
class LabelEquivalence:
    """What it takes to place a lever set on the curve."""

    plan: Plan
    measurements: Measurements
    scores: Scores
    curve: Curve

    def score(self, levers: LeverSet) -> BootstrapSamples:
        """Return the score of a lever set at all budgets: plain's on the curve, and what the set adds, draw by draw."""
        baseline = np.stack([self.curve.predict(n).rows for n in self.scores.budgets], axis=1)
        return BootstrapSamples(baseline + compute_gain(self.scores, levers).rows)

    def count_labels(
        self, levers: LeverSet, score: BootstrapSamples, band: SimultaneousBand | None
    ) -> Iterator[LabelCount]:
        """Yield what a lever set is worth in labels at all budgets: just these, where it changes nothing.

        Args:
            levers: the set.
            score: of it, shape (budgets,).
            band: of what is told together; None for what is told alone, such as a control, for it is the reading that
                controls try.
        """
        gains = compute_gain(self.scores, levers)
        for i, (n, is_idle) in enumerate(zip(self.scores.budgets, find_idle(self.scores, levers), strict=True)):
            if band is None:
                yield estimate_labels(self.curve, score[i], self.plan.params.confidence_level)
            elif is_idle:
                yield LabelCount(n, 0, np.inf) if is_zero_shot(self.measurements, n) else LabelCount(n, n, n)
            else:
                yield estimate_labels(self.curve, score[i], band.estimate_coverage(gains[i])).widen()


def find_idle(scores: Scores, levers: LeverSet) -> Any:
    """Return of each budget whether a lever set scores there what plain does, in every chain and however it is drawn.

    As retrieval alone does, whose finds nobody reads; or any lever where answering without training is better.
    """
    return (compute_gain(scores, levers).rows == 0).all(axis=0)


def is_zero_shot(measurements: Measurements, budget: int) -> bool:
    """Return whether plain answers by label names alone at a budget: what was learned does not beat that yet."""
    outcomes = (
        outcome
        for c, outcome in measurements.outcomes.items()
        if is_comparable(c) and c.budget == budget and not c.levers
    )
    return all(outcome.is_zero_shot for outcome in outcomes)


def is_comparable(run: StudyRun) -> bool:
    """Return whether a cell is one that lever sets are compared by."""
    return run.depth == "quick" and run.budget > 0 and run.replicate < FIRST_CURVE_REPLICATE
