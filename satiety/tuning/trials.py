"""Recipes tried on labels they have not seen: folds, out-of-fold probabilities, comparison, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.errors import ParamsError
from satiety.heads.solver import MAX_ISSUES, split_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats
    from satiety.tuning.recipes.base import Recipe, TuningInputs

EVIDENCE = 1.0
"""Sum of log-losses by which a candidate must be better than an earlier one: the labels are then e times as likely."""


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


def find_best(trials: Sequence[Trial]) -> Trial:
    """Return the first trial, or a later one that explains the labels better: those that both held out.

    A recipe that trains the encoder at length gains more than a head from the labels that folds hold out. Where it is
    the best so far, it is given up only for one that is better by two standard errors.
    """
    best = trials[0]
    for trial in trials[1:]:
        difference = trial.compare(best)
        margin = EVIDENCE if not best.recipe.is_dear else max(EVIDENCE, 2 * len(difference) * compute_error(difference))
        if difference.sum() < -margin:
            best = trial
    return best


def compute_error(difference: Floats) -> float:
    """Return the standard error of the mean; 0 of a single number."""
    return float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0


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
    return {
        "recipe": trial.recipe.kind,
        "uses_raw_texts": trial.recipe.uses_documents,
        "chosen": trial is best,
        "tried_as": trial.recipe.proxy().kind,
        "held_out": int(trial.rows.sum()),
        "log_loss": round(float(trial.losses.mean()), 6),
        "difference": round(float(difference.mean()), 6),
        "standard_error": round(compute_error(difference), 6),
    }


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
