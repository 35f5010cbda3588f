"""The recipe that answers best for labels it has not seen: chosen by cross-validation, then fitted to every label.

No label is set aside. All candidates see the same folds; copies stay in the fold of their parent, and raw texts are the
same in every fold. The loss is the log-loss of out-of-fold probabilities after calibration by one temperature, which
is less noisy than a metric of counts where labels are few.

Recipes that train the encoder take minutes. The first one is tried by a shorter training, the next ones only where it
answers better than the untouched encoder, or where labels are many; and on as few folds as hold enough labels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, SerializeAsAny

from satiety.core.errors import ParamsError
from satiety.heads.solver import calibrate_losses, find_label_issues
from satiety.levers.self_train import explain_unsupported
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs
from satiety.tuning.trials import (
    Trial,
    find_best,
    find_targets,
    predict_held_out,
    report_trials,
    select_folds,
    split_examples,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems import Problem

FINE_TUNE_LABELS = 200
"""Labels from which on the recipes that train the encoder at length stand first."""
MANY_LABELS = 100
"""Labels from which on every recipe that trains the encoder is tried; and labels to hold out for such a trial."""


def _build_candidates() -> list[Recipe]:
    raw = [RECIPES["contrastive"].model_validate({"pseudo_labels": 0.3}), RECIPES["transductive"]()]
    frozen = [RECIPES["label_names"](), RECIPES["linear"]()]
    return [*raw, *frozen, RECIPES["contrastive"](), RECIPES["fine_tune"]()]


@RECIPES.register("auto")
class Auto(Recipe):
    """Choose a recipe by cross-validation, and fit it to all labels.

    Where an answer is not one label of a set, nothing is compared: the last candidate for that problem is used.
    """

    candidates: list[SerializeAsAny[Annotated[Recipe, RECIPES.choice()]]] = Field(
        default_factory=_build_candidates, min_length=1
    )
    """Recipes to compare. Of equals the first one is chosen, so the one that helped most often stands first. Those that
    do not support a problem, or need raw texts where there are none, are left out."""
    folds: int = Field(ge=2, le=20, default=4)
    """Number of folds, or as many as the rarest class has labels, but at least 2."""

    can_generate: ClassVar = True
    may_leave_levers_out: ClassVar = True

    @property
    def uses_documents(self) -> bool:
        return any(candidate.uses_documents for candidate in self.candidates)

    @property
    def can_self_train(self) -> bool:
        return True

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        candidates, facts = self._find_usable(inputs), dict[str, Any]()
        chosen, is_choice = candidates[-1], inputs.problem.categorical and len(candidates) > 1
        if is_choice or explain_unsupported(inputs.problem) or not (inputs.documents and chosen.can_self_train):
            inputs = replace(inputs, params=inputs.params.model_copy(update={"self_training": None}))
        if is_choice:
            compute_features(inputs)
            if count_labels(inputs) >= FINE_TUNE_LABELS:
                candidates.sort(key=lambda candidate: not candidate.is_dear)
            trials = self._try_candidates(inputs, candidates)
            best = find_best(trials)
            chosen, facts = best.recipe, report_trials(trials, best)
        outcome = chosen.fit(restrict(inputs, chosen))
        model = replace(outcome.model, card=outcome.model.card.model_copy(update={"recipe": self.kind}))
        facts = {"chosen": chosen.kind, "uses_raw_texts": chosen.uses_documents, **outcome.facts, **facts}
        return replace(outcome, model=model, facts=facts)

    def _find_usable(self, inputs: TuningInputs) -> list[Recipe]:
        """Return the candidates that support the problem and have the raw texts, and the lever, that they need."""
        has_raw = bool(inputs.documents) and len(inputs.problem.inputs) == 1
        count = count_labels(inputs)
        usable = [
            candidate
            for candidate in self.candidates
            if not candidate.refusals(inputs.problem)
            and (has_raw or not candidate.uses_documents)
            and (inputs.params.self_training or not candidate.needs_self_training)
            and (candidate.max_labels is None or count <= candidate.max_labels)
        ]
        if not usable:
            raise ParamsError(
                "finetune.recipe.candidates: all need raw texts, self_training in `use`, or fewer labels; add `linear` "
                "or what they need"
            )
        return usable

    def _try_candidates(self, inputs: TuningInputs, candidates: Sequence[Recipe]) -> list[Trial]:
        """Try the candidates in turn; a dear one is left out while nothing shows that the encoder must be trained."""
        folds, trials = split_examples(inputs, self.folds), list[Trial]()
        has_many = count_labels(inputs) >= MANY_LABELS
        for candidate in candidates:
            is_promising = not trials or find_best(trials).recipe.proxy().trains_encoder
            if not candidate.is_dear or is_promising or has_many:
                trials.append(self._try_candidate(inputs, candidate, folds))
        return trials

    def _try_candidate(self, inputs: TuningInputs, candidate: Recipe, folds: Sequence[NDArray[np.bool_]]) -> Trial:
        """Return a candidate's calibrated out-of-fold losses; a resumed run reads those that it stored."""
        probe = candidate.proxy()
        inputs = restrict(inputs, probe)
        used = select_folds(folds, MANY_LABELS) if probe.trains_encoder else folds
        is_original = np.array([example.origin == "gold" for example in inputs.train])
        rows, name = np.any(used, axis=0) & is_original, f"trial-{probe.kind}-{hash_params(probe)}"

        def compute() -> dict[str, Any]:
            probabilities, targets = predict_held_out(probe, inputs, used, name)[rows], find_targets(inputs)[rows]
            ids = [example.id for example, is_tried in zip(inputs.train, rows, strict=True) if is_tried]
            issues = [ids[row] for row in find_label_issues(probabilities, targets)]
            return {"losses": calibrate_losses(probabilities, targets).tolist(), "label_issues": issues}

        trials = {} if probe.uses_documents else inputs.memory.trials
        if name not in trials:
            trials[name] = inputs.store.compute_once(name, compute)
        stored = trials[name]
        return Trial(candidate, rows, np.array(stored["losses"]), tuple(stored["label_issues"]))

    def refusals(self, problem: Problem) -> list[str]:
        reasons = [candidate.refusals(problem) for candidate in self.candidates]
        return [line for lines in reasons for line in lines] if all(reasons) else []


def compute_features(inputs: TuningInputs) -> None:
    """Compute the features of all texts for the memory, each kind in one go.

    A feature's last digits depend on the texts beside it in a batch, so a resumed run, which does not repeat its
    trials, would otherwise differ.
    """
    from satiety.tuning.context import load_context
    from satiety.tuning.frozen.space import encode_raw

    context = load_context(inputs)
    for windows in (context.encode(inputs.train), encode_raw(context)):
        context.compute_base_features(windows)


def restrict(inputs: TuningInputs, recipe: Recipe) -> TuningInputs:
    """Return the inputs without the raw texts that a recipe does not use."""
    return inputs if recipe.uses_documents else replace(inputs, documents=())


def count_labels(inputs: TuningInputs) -> int:
    """Return the number of labels of people."""
    return sum(example.origin == "gold" for example in inputs.train)


def hash_params(recipe: Recipe) -> str:
    """Return a short digest of a recipe's parameters."""
    return sha256(recipe.model_dump_json().encode()).hexdigest()[:8]
