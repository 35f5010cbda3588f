"""The recipe that answers best for labels it has not seen: chosen by cross-validation, then fitted to every label.

No label is set aside. All candidates see the same folds; copies stay in the fold of their parent, and raw texts are the
same in every fold. The loss is the log-loss of out-of-fold probabilities after calibration by one temperature, which
is less noisy than a metric of counts where labels are few.

Recipes that train the encoder take minutes. The first one is tried by a shorter training, the next ones only where it
answers better than the untouched encoder, or where labels are many; and on as few folds as hold enough labels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, SerializeAsAny

from satiety.core.errors import ParamsError
from satiety.heads.solver import MAX_ISSUES, calibrate_losses, find_label_issues, split_folds
from satiety.levers.self_train import explain_unsupported
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems import Problem
    from satiety.problems.base import Floats

EVIDENCE = 1.0
"""Sum of log-losses by which a candidate must be better than an earlier one: the labels are then e times as likely."""
MANY_LABELS = 100
"""Labels from which on every recipe that trains the encoder is tried; and labels to hold out for such a trial."""


def _build_candidates() -> list[Recipe]:
    raw = [RECIPES["contrastive"].model_validate({"pseudo_labels": 0.3}), RECIPES["transductive"]()]
    frozen = [RECIPES["label_names"](), RECIPES["linear"]()]
    return [*raw, *frozen, RECIPES["contrastive"](), RECIPES["fine_tune"]()]


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate, tried out of fold."""

    recipe: Recipe
    rows: NDArray[np.bool_]
    """The labels that were held out, shape (labels,)."""
    losses: Floats
    """Their calibrated log-losses, shape (rows held out,)."""
    label_issues: tuple[str, ...]
    """Ids of the examples whose label is probably wrong, the most probable first."""

    def compare(self, other: Trial) -> Floats:
        """Return the difference of the losses, of labels that were held out in both trials; below 0 it is better."""
        both = self.rows & other.rows
        difference: Floats = self.losses[both[self.rows]] - other.losses[both[other.rows]]
        return difference


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
            is_dear = candidate.trains_encoder and candidate.proxy() == candidate
            is_promising = not trials or find_best(trials).recipe.proxy().trains_encoder
            if not is_dear or is_promising or has_many:
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


def find_best(trials: Sequence[Trial]) -> Trial:
    """Return the first trial, or a later one that surely explains the labels better: those that both held out."""
    best = trials[0]
    for trial in trials[1:]:
        if trial.compare(best).sum() < -EVIDENCE:
            best = trial
    return best


def report_trials(trials: Sequence[Trial], best: Trial) -> dict[str, Any]:
    """Return every trial for the report, and the label issues by the best one."""
    issues = best.label_issues
    return {
        "candidates": [report_trial(trial, best) for trial in trials],
        "label_issues": {"count": len(issues), "first": list(issues[:MAX_ISSUES])},
    }


def report_trial(trial: Trial, best: Trial) -> dict[str, Any]:
    """Return a candidate's loss, and its difference from the best one with its standard error."""
    difference = trial.compare(best)
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0
    return {
        "recipe": trial.recipe.kind,
        "uses_raw_texts": trial.recipe.uses_documents,
        "chosen": trial is best,
        "tried_as": trial.recipe.proxy().kind,
        "held_out": int(trial.rows.sum()),
        "log_loss": round(float(trial.losses.mean()), 6),
        "difference": round(float(difference.mean()), 6),
        "standard_error": round(error, 6),
    }


def restrict(inputs: TuningInputs, recipe: Recipe) -> TuningInputs:
    """Return the inputs without the raw texts that a recipe does not use."""
    return inputs if recipe.uses_documents else replace(inputs, documents=())


def count_labels(inputs: TuningInputs) -> int:
    """Return the number of labels of people."""
    return sum(example.origin == "gold" for example in inputs.train)


def hash_params(recipe: Recipe) -> str:
    """Return a short digest of a recipe's parameters."""
    return sha256(recipe.model_dump_json().encode()).hexdigest()[:8]


def select_folds(folds: Sequence[NDArray[np.bool_]], labels: int) -> list[NDArray[np.bool_]]:
    """Return the first folds that together hold as many labels out; all of them where they do not."""
    totals = np.cumsum([mask.sum() for mask in folds])
    return list(folds[: int(np.searchsorted(totals, labels)) + 1])


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
