"""No gradient: several linear heads on the untouched encoder, each weaker than the last, and their mean.

Source: Breiman 1996, Stacked regressions; here every head has the same say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from satiety.heads.solver import Solver
from satiety.tuning.recipes.base import RECIPES, Fitted, Recipe, Setting

if TYPE_CHECKING:
    from satiety.heads.solver import Solved


@RECIPES.register("made_up")
class MadeUp(Recipe):
    """Take the mean of linear heads of several penalties."""

    penalties: list[float] = Field(default=[1e-3, 1e-4, 1e-5], min_length=1)
    """L2 penalties."""

    def fit(self, setting: Setting) -> Fitted:
        from satiety.training.loop import Course
        from satiety.tuning.inputs import teachable
        from satiety.tuning.workbench import load_workbench

        bench = load_workbench(setting)
        windows = teachable(bench.windows(setting.train), setting.problem)
        solvers = [Solver(strengths=[penalty], folds=2) for penalty in self.penalties]
        bench.put(_mean([bench.solve(setting.train, windows, solver) for solver in solvers]))
        return Fitted(bench.tuned(setting.problem, self), Course(), {"heads": len(solvers)})


def _mean(heads: list[Solved]) -> Solved:
    weight = np.mean([head.weight for head in heads], axis=0)
    return replace(heads[0], weight=weight, bias=np.mean([head.bias for head in heads], axis=0))
