"""A linear head that starts from what the names of the labels say, and learns the rest from the labels."""

from __future__ import annotations

from satiety.tuning.recipes.base import RECIPES, FewLabelsRecipe, FitOutcome, TuningInputs


@RECIPES.register("label_names")
class LabelNames(FewLabelsRecipe):
    """Average linear heads that start from zero-shot logits of the label names, weighted by cross-validation."""

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.training.loop import TrainState
        from satiety.tuning.context import load_context
        from satiety.tuning.frozen.averaging import fit_average
        from satiety.tuning.frozen.space import build_space

        context = load_context(inputs)
        space = build_space(context)
        averaged = fit_average(space, space.gold, space.raw, inputs.params.seed)
        context.set_head(space.restore(averaged.layer))
        facts = {"head_l2": averaged.l2, "label_name_share": round(averaged.name_share, 6)}
        return FitOutcome(context.build_tuned(context.problem, self), TrainState(), facts)
