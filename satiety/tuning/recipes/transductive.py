"""Labels and raw texts -> one linear head, by three ways to use the raw texts in the frozen space, and their average.

1. *Smoothed*: a head on features drawn to those of their neighbours, with the names of the labels.
2. *Spread*: labels spread along the graph of neighbours.
3. *Informed*: raw texts are answered surely, and the classes have their shares.

Each loses somewhere; their average rarely does. The geometric mean of their probabilities on the raw texts is then
taught to one linear head on the encoder's own features (Hinton et al. 2015, distillation, arXiv:1503.02531), so that a
new text costs one pass through the encoder.
"""

from __future__ import annotations

from typing import Any

from satiety.tuning.recipes.base import RECIPES, FewLabelsRecipe, FitOutcome, TuningInputs


@RECIPES.register("transductive")
class Transductive(FewLabelsRecipe):
    """Fit a linear head to the labels and to what raw texts show of the classes."""

    @property
    def uses_documents(self) -> bool:
        return True

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.training.loop import TrainState
        from satiety.tuning.context import load_context
        from satiety.tuning.frozen.averaging import fit_average
        from satiety.tuning.frozen.space import build_space
        from satiety.tuning.frozen.transduction import answer_raw, distil

        context = load_context(inputs)
        space = build_space(context)
        averaged = fit_average(space, space.gold, space.raw, inputs.params.seed)
        facts: dict[str, Any] = {"raw_windows": len(space.raw)}
        layer = averaged.layer
        if len(space.raw):
            answers, shares = answer_raw(space, averaged, inputs.params.seed)
            layer = distil(space, answers, inputs.params.seed)
            facts["class_shares"] = dict(zip(inputs.problem.classes, shares.round(6).tolist(), strict=True))
        context.set_head(space.restore(layer))
        return FitOutcome(context.build_tuned(context.problem, self), TrainState(), facts)
