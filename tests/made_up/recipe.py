"""No gradient: the mean of several linear heads on the unchanged encoder, each with a weaker penalty than the last.

Source: Breiman 1996, Stacked regressions; here every head has equal weight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from satiety.heads.solver import Solver
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs

if TYPE_CHECKING:
    from satiety.heads.solver import LinearProbe


@RECIPES.register("made_up")
class MadeUp(Recipe):
    """Average linear heads with several penalties."""

    penalties: list[float] = Field(default=[1e-3, 1e-4, 1e-5], min_length=1)
    """L2 penalties."""

    def fit(self, setting: TuningInputs) -> FitOutcome:
        from satiety.training.loop import TrainState
        from satiety.tuning.context import load_context
        from satiety.tuning.inputs import select_labelled

        context = load_context(setting)
        windows = select_labelled(context.encode(setting.train), setting.problem)
        solvers = [Solver(l2=[penalty], folds=2) for penalty in self.penalties]
        context.set_head(_average([context.solve_head(setting.train, windows, solver) for solver in solvers]))
        return FitOutcome(context.build_tuned(setting.problem, self), TrainState(), {"heads": len(solvers)})


def _average(heads: list[LinearProbe]) -> LinearProbe:
    weight = np.mean([head.weight for head in heads], axis=0)
    return replace(heads[0], weight=weight, bias=np.mean([head.bias for head in heads], axis=0))
