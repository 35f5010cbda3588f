"""A logistic (or ridge) regression on the untouched encoder; the simplest recipe, and the fastest."""

from __future__ import annotations

from pydantic import Field

from satiety.heads.solver import Solver
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs


@RECIPES.register("linear")
class Linear(Recipe):
    """Fit a linear head to the labels; the encoder stays as it is."""

    head: Solver = Field(default_factory=Solver)
    """Parameters of the regression."""

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.training.loop import TrainState
        from satiety.tuning.context import load_context
        from satiety.tuning.inputs import select_labelled
        from satiety.tuning.linear_head import fit_decoder

        context = load_context(inputs)
        windows = select_labelled(context.encode(inputs.train), context.problem)
        head = context.solve_head(inputs.train, windows, self.head, context.compute_base_features(windows))
        context.set_head(head)
        problem = fit_decoder(context.problem, inputs.train, windows, head)
        return FitOutcome(context.build_tuned(problem, self), TrainState(), {"head_l2": head.l2})
