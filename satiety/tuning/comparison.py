"""Candidates, tried out of fold -> the best one, and a row of the report for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.heads.solver import MAX_ISSUES, find_label_issues
from satiety.tuning.trials import HeldOutAnswers, average, hold_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats
    from satiety.tuning.recipes.base import Recipe, TuningInputs

EVIDENCE = 1.0
"""Least sum of log-losses by which a candidate must be better than an earlier one: they are then e times as likely.
The other bound is one standard error (Breiman et al. 1984, Classification and Regression Trees, section 3.4.3)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate, tried out of fold by what stands in its place."""

    recipe: Recipe
    held_out: HeldOutAnswers

    def compare(self, other: Trial) -> Floats:
        """Return the difference of the losses for each label that both held out; below 0 it is better."""
        rows = self.held_out.rows & other.held_out.rows
        difference: Floats = self.held_out.select(rows).losses - other.held_out.select(rows).losses
        return difference


def try_candidate(inputs: TuningInputs, candidate: Recipe, folds: Sequence[NDArray[np.bool_]]) -> Trial:
    """Try the stand-ins of a candidate out of fold; several are averaged by their evidence."""
    return Trial(candidate, average([hold_out(inputs, proxy, folds) for proxy in candidate.proxies()]))


def find_best(trials: Sequence[Trial]) -> Trial:
    """Return the first trial, or a later one that explains the labels better."""
    best = trials[0]
    for trial in trials[1:]:
        difference = trial.compare(best)
        if difference.sum() < -max(EVIDENCE, len(difference) * compute_error(difference)):
            best = trial
    return best


def report_trials(inputs: TuningInputs, trials: Sequence[Trial], best: Trial) -> dict[str, Any]:
    """Return every trial for the report, the gain of raw texts out of fold, and label issues by the best trial."""
    alone = [trial for trial in trials if not trial.recipe.uses_documents]
    gain = score_gain(inputs, best, find_best(alone)) if alone else None
    held_out = [example.id for example, is_tried in zip(inputs.train, best.held_out.rows, strict=True) if is_tried]
    issues = find_label_issues(best.held_out.probabilities, best.held_out.targets)
    return {
        "metric": inputs.problem.headline,
        "candidates": [report_trial(inputs, trial, best) for trial in trials],
        "expected_gain": None if gain is None else round(gain, 6),
        "label_issues": {"count": len(issues), "first": [held_out[row] for row in issues[:MAX_ISSUES]]},
    }


def report_trial(inputs: TuningInputs, trial: Trial, best: Trial) -> dict[str, Any]:
    """Return a candidate's loss, its difference from the best one with its standard error, its score and its cost."""
    difference = trial.compare(best)
    return {
        "recipe": trial.recipe.kind,
        "uses_raw_texts": trial.recipe.uses_documents,
        "chosen": trial is best,
        "tried_as": [proxy.kind for proxy in trial.recipe.proxies()],
        "held_out": len(difference),
        "log_loss": round(float(trial.held_out.losses.mean()), 6),
        "difference": round(float(difference.mean()), 6),
        "standard_error": round(compute_error(difference), 6),
        "score": round(score(inputs, trial), 6),
        "passes": trial.held_out.passes,
    }


def score_gain(inputs: TuningInputs, best: Trial, alone: Trial) -> float:
    """Return by how much a trial scores higher than another on the labels that both held out."""
    rows = best.held_out.rows & alone.held_out.rows
    first, second = (score(inputs, Trial(trial.recipe, trial.held_out.select(rows))) for trial in (best, alone))
    return first - second


def score(inputs: TuningInputs, trial: Trial) -> float:
    """Return the headline metric of the answers out of fold."""
    problem, held_out = inputs.problem, trial.held_out
    examples = [example for example, is_tried in zip(inputs.train, held_out.rows, strict=True) if is_tried]
    predictions = problem.predict_from_weights(held_out.probabilities)
    return float(problem.score(problem.tally(examples, predictions))[problem.headline])


def compute_error(difference: Floats) -> float:
    """Return the standard error of the mean; 0 of a single number."""
    return float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0
