"""The recipe that answers best for labels it has not seen: chosen by cross-validation, then fitted to every label.

No label is set aside. All candidates see the same folds; copies stay in the fold of their parent, and raw texts are the
same in every fold. The loss is the log-loss of out-of-fold probabilities after calibration by one temperature, which
is less noisy than a metric of counts where labels are few.

Recipes that train the encoder take minutes. Most are tried by a shorter training. One that is not is tried only where
labels are many, and dropped where it would not be chosen by the first fold: a race (Maron & Moore 1994, Hoeffding
Races).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.core.errors import ParamsError
from satiety.levers.self_train import explain_unsupported
from satiety.tuning.comparison import Trial, find_best, report_trials, try_candidate
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs
from satiety.tuning.trials import FOLDS, find_originals, fit_on_labels, restrict, split_examples

if TYPE_CHECKING:
    from satiety.problems import Problem

MANY_LABELS = 300
"""Labels from which on also recipes are tried whose trials take minutes."""
CANDIDATES = ("self_trained", "transductive", "label_names", "linear", "contrastive", "fine_tune")
"""Recipes that are compared by default, in order of preference: averages over raw texts helped on most sets."""


@RECIPES.register("auto")
class Auto(Recipe):
    """Choose a recipe by cross-validation, and fit it to all labels.

    Where an answer is not one label of a set, nothing is compared: the last candidate for that problem is used.
    """

    candidates: list[SerializeAsAny[Annotated[Recipe, RECIPES.choice()]]] = Field(
        default_factory=lambda: [RECIPES[kind]() for kind in CANDIDATES], min_length=1
    )
    """Recipes to compare. Of equals the first one is chosen, so the one that helped most often stands first. Those that
    do not support a problem, or need raw texts where there are none, are left out."""
    folds: int = Field(ge=2, le=20, default=FOLDS)
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
            from satiety.tuning.frozen.space import compute_all_features

            compute_all_features(inputs)
            trials = self._try_candidates(inputs, candidates)
            best = find_best(trials)
            chosen, facts = best.recipe, report_trials(inputs, trials, best)
        inputs = restrict(inputs, chosen)
        outcome = chosen.fit(inputs) if inputs.documents else fit_on_labels(inputs, chosen)
        gain = facts.get("expected_gain")
        update = {"recipe": self.kind, "chosen": chosen.kind if is_choice else None, "expected_gain": gain}
        model = replace(outcome.model, card=outcome.model.card.model_copy(update=update))
        facts = {"chosen": chosen.kind, "uses_raw_texts": bool(inputs.documents), **outcome.facts, **facts}
        return replace(outcome, model=model, facts=facts)

    def _find_usable(self, inputs: TuningInputs) -> list[Recipe]:
        """Return the candidates that support the problem and have what they need, or all that support it."""
        has_raw, count = bool(inputs.documents) and len(inputs.problem.inputs) == 1, count_labels(inputs)
        supporting = [candidate for candidate in self.candidates if not candidate.refusals(inputs.problem)]
        able = [candidate for candidate in supporting if candidate.max_labels is None or count <= candidate.max_labels]
        equipped = [
            candidate
            for candidate in able
            if (has_raw or not candidate.uses_documents)
            and (inputs.params.self_training or not candidate.needs_self_training)
        ]
        if not able:
            raise ParamsError("finetune.recipe.candidates: all are for fewer labels; add `linear` or `fine_tune`")
        return equipped or able

    def _try_candidates(self, inputs: TuningInputs, candidates: Sequence[Recipe]) -> list[Trial]:
        """Try the candidates in turn; a dear one is tried where labels are many, as long as it leads."""
        folds, trials = split_examples(inputs, self.folds), list[Trial]()
        has_many = count_labels(inputs) >= MANY_LABELS
        for candidate in candidates:
            if not trials or not candidate.is_dear:
                trials.append(try_candidate(inputs, candidate, folds))
            elif has_many:
                first = try_candidate(inputs, candidate, folds[:1])
                leads = find_best([*trials, first]) is first
                trials.append(try_candidate(inputs, candidate, folds) if leads else first)
        return trials

    def refusals(self, problem: Problem) -> list[str]:
        reasons = [candidate.refusals(problem) for candidate in self.candidates]
        return [line for lines in reasons for line in lines] if all(reasons) else []


def count_labels(inputs: TuningInputs) -> int:
    """Return the number of labels of people."""
    return int(find_originals(inputs).sum())
