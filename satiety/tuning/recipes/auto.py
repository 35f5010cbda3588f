"""The recipe that answers best for labels it has not seen: chosen by cross-validation, then fitted to every label.

No label is set aside. All candidates see the same folds; copies stay in the fold of their parent, and raw texts are the
same in every fold. The loss is the log-loss of out-of-fold probabilities after calibration by one temperature, which
is less noisy than a metric of counts where labels are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, SerializeAsAny

from satiety.core.errors import ParamsError
from satiety.heads.solver import calibrate_losses, split_folds
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs, explain_several_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems import Problem
    from satiety.problems.base import Floats

CANDIDATES = ("linear", "label_names", "transductive", "contrastive")


def _build_candidates() -> list[Recipe]:
    return [RECIPES[name]() for name in CANDIDATES]


@RECIPES.register("auto")
class Auto(Recipe):
    """Choose a recipe by cross-validation, and fit it to all labels."""

    candidates: list[SerializeAsAny[Annotated[Recipe, RECIPES.choice()]]] = Field(
        default_factory=_build_candidates, min_length=1
    )
    """Recipes to compare, the simplest first: of equals, the first one is chosen."""
    folds: int = Field(ge=2, le=20, default=4)
    """Number of folds, or as many as the rarest class has labels, but at least 2."""

    @property
    def uses_documents(self) -> bool:
        return any(candidate.uses_documents for candidate in self.candidates)

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        folds = split_examples(inputs, self.folds)
        losses = np.array(
            [self._compute_losses(inputs, number, folds) for number in range(len(self.candidates))]
        )  # shape (candidates, labels)
        chosen = int(losses.mean(axis=1).argmin())
        outcome = self.candidates[chosen].fit(inputs)
        facts = {"chosen": self.candidates[chosen].kind, "candidates": self._compare(losses, chosen), **outcome.facts}
        model = replace(outcome.model, card=outcome.model.card.model_copy(update={"recipe": self.kind}))
        return replace(outcome, model=model, facts=facts)

    def _compute_losses(self, inputs: TuningInputs, number: int, folds: Sequence[NDArray[np.bool_]]) -> list[float]:
        """Return a candidate's calibrated out-of-fold log-loss of each label; a resumed run reads it from its store."""
        candidate = self.candidates[number]

        def compute() -> dict[str, Any]:
            probabilities = predict_held_out(candidate, inputs, folds, f"{number}-{candidate.kind}")
            return {"losses": calibrate_losses(probabilities, find_targets(inputs)).tolist()}

        losses: list[float] = inputs.store.compute_once(f"candidate-{number}-{candidate.kind}", compute)["losses"]
        return losses

    def _compare(self, losses: Floats, chosen: int) -> list[dict[str, Any]]:
        """Return each candidate's loss, and its difference from the chosen one with its standard error."""
        rows = []
        for candidate, row in zip(self.candidates, losses, strict=True):
            difference = row - losses[chosen]
            error = float(difference.std(ddof=1) / np.sqrt(len(row))) if len(row) > 1 else 0.0
            rows.append(
                {
                    "recipe": candidate.kind,
                    "log_loss": round(float(row.mean()), 6),
                    "difference": round(float(difference.mean()), 6),
                    "standard_error": round(error, 6),
                }
            )
        return rows

    def refusals(self, problem: Problem) -> list[str]:
        reasons = [*super().refusals(problem), *explain_several_labels(self, problem)]
        return reasons or [reason for candidate in self.candidates for reason in candidate.refusals(problem)]


def find_targets(inputs: TuningInputs) -> NDArray[np.int64]:
    """Return the class index of each training example, shape (examples,)."""
    index = {name: i for i, name in enumerate(inputs.problem.classes)}
    return np.array([index[inputs.problem.stratum(example)] for example in inputs.train])


def split_examples(inputs: TuningInputs, count: int) -> list[NDArray[np.bool_]]:
    """Return masks of the held-out examples, shape (examples,), stratified by class; no fold is empty.

    Raises:
        ParamsError: there is one text only, which cannot be held out.
    """
    targets, owners = find_targets(inputs), [example.parent or example.id for example in inputs.train]
    sizes = np.bincount(targets)
    count = max(2, min(count, int(sizes[sizes > 0].min())))
    rng = np.random.default_rng(inputs.params.seed)
    folds = [mask for mask in split_folds(targets, owners, count, rng) if mask.any() and not mask.all()]
    if not folds:
        raise ParamsError("finetune.recipe: auto needs two labelled texts at least: name a recipe, or label more")
    return folds


def predict_held_out(candidate: Recipe, inputs: TuningInputs, folds: Sequence[NDArray[np.bool_]], name: str) -> Floats:
    """Return the probabilities of each example by a model that has not seen it, shape (examples, classes)."""
    probabilities = np.full((len(inputs.train), len(inputs.problem.classes)), 1 / len(inputs.problem.classes))
    for number, mask in enumerate(folds):
        train = [example for example, is_held_out in zip(inputs.train, mask, strict=True) if not is_held_out]
        held_out = [example for example, is_held_out in zip(inputs.train, mask, strict=True) if is_held_out]
        store = replace(inputs.store, folder=inputs.store.folder / f"{name}-{number}", log_point=lambda *_: None)
        model = candidate.fit(replace(inputs, train=train, store=store)).model
        probabilities[mask] = inputs.problem.outputs(model.predict([example.inputs for example in held_out]))
    return probabilities
