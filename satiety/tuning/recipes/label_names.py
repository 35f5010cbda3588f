"""A linear head that starts from what the names of the labels say, and learns the rest from the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from satiety.tuning.recipes.base import (
    MAX_FEW_LABELS,
    RECIPES,
    FitOutcome,
    Recipe,
    TuningInputs,
    explain_several_labels,
)

if TYPE_CHECKING:
    from satiety.problems import Problem


@RECIPES.register("label_names")
class LabelNames(Recipe):
    """Average linear heads that start from zero-shot logits of the label names, weighted by cross-validation."""

    max_labels: ClassVar = MAX_FEW_LABELS

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

    def refusals(self, problem: Problem) -> list[str]:
        return [*super().refusals(problem), *explain_several_labels(self, problem)]
