"""Texts of one class are drawn together and texts of different classes apart; then a linear head is fitted.

A few updates of the whole encoder change its space where that lacks the classes (types of questions, say); many wear
off what it knew. Source: `satiety.tuning.pairs`.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from satiety.tuning.pairs import PROBE, BatchSource, PairTraining, train_on_pairs
from satiety.tuning.recipes.base import RECIPES, FewLabelsRecipe, FitOutcome, Recipe, TuningInputs


@RECIPES.register("contrastive")
class Contrastive(FewLabelsRecipe):
    """Train the encoder on pairs of labelled texts, and fit a linear head in its space."""

    training: PairTraining = Field(default_factory=PairTraining)
    """Updates of the encoder."""
    l2: float = Field(gt=0, le=1000, default=0.01)
    """Penalty of the head. It cannot be chosen by cross-validation: the space has seen the labels."""

    @property
    def trains_encoder(self) -> bool:
        return True

    def proxies(self) -> list[Recipe]:
        return [self.model_copy(update={"training": PROBE})]

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.heads.softmax_regression import fit_softmax
        from satiety.heads.solver import standardize
        from satiety.tuning.context import load_context
        from satiety.tuning.inputs import select_labelled

        context = load_context(inputs)
        windows = select_labelled(context.encode(inputs.train), context.problem)
        targets = np.array([int(window.targets[0]) for window in windows])
        state = train_on_pairs(context, [BatchSource(windows, targets, self.training.batch_size)], self.training)

        rows, mean, scale = standardize(np.stack(context.compute_features(windows)))
        one_hot = np.eye(len(context.problem.classes))[targets]
        context.set_head(fit_softmax(rows, one_hot, self.l2).restore(mean, scale))
        return FitOutcome(context.build_tuned(context.problem, self), state, {"steps": state.step})
