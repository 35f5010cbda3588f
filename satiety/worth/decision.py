"""Findings -> what to do next: how many labels more, and which levers. All sentences are made of this one value.

Options are compared by score and by cost in hours of a person's time; the Pareto front is what no other option beats in
both. The score of more labels is the curve's forecast; a lever set adds to it what it gained at the largest budget,
which is as far as anybody has measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval
from satiety.worth.confirmation import is_confirmed, is_doubtful, is_refuted
from satiety.worth.resample import BootstrapSamples
from satiety.worth.sample_size import SampleSize, estimate_sample_size
from satiety.worth.scores import BASELINE, LeverSet, compute_gain
from satiety.worth.sequential import classify_gain
from satiety.worth.study import list_lever_sets

if TYPE_CHECKING:
    from satiety.worth.findings import Findings

STEPS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Further labels that are thought of, as shares of those there are; the curve is drawn no further."""

PROMISING = ("inconclusive", "worth it")
"""Verdicts under which a lever may be worth it."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something one could do."""

    extra_labels: int
    """Labels beyond those there are."""
    levers: LeverSet
    score: Interval
    hours: float
    """Of a person's time; computing is converted into it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is advised."""

    has_forecast: bool
    """False where what was learned does not beat label names alone yet: then there is no curve to go by."""
    keep: LeverSet
    too_costly: LeverSet
    """What would be kept, but for its cost: labels that do as much are cheaper."""
    dropped: tuple[str, ...]
    undecided: tuple[str, ...]
    recommended: Option | None
    """More labels; None where none on the front adds what matters."""
    front: tuple[Option, ...]
    sample_size: SampleSize | None = None
    """What it takes to be sure of the best lever set, where none is sure yet and one looks worth it."""


def decide(findings: Findings) -> Decision:
    """Return what to do next."""
    levers = select_levers(findings)
    if findings.is_zero_shot(findings.max_budget):
        return Decision(False, levers, BASELINE, *_split_remaining(findings, levers, BASELINE), None, ())
    sample_size = None if levers else estimate_sample_size(findings, list_effective_sets(findings))
    front = _select_front(_build_options(findings, levers))
    too_costly = BASELINE
    if not any(candidate.levers == levers and not candidate.extra_labels for candidate in front):
        levers, too_costly, front = BASELINE, levers, [candidate for candidate in front if not candidate.levers]
    score = build_option(findings, 0, levers).score.value
    recommended = _choose_option(findings, [candidate for candidate in front if candidate.levers == levers], score)
    return Decision(
        True,
        levers,
        too_costly,
        *_split_remaining(findings, levers, too_costly),
        recommended,
        tuple(front),
        sample_size,
    )


def list_effective_sets(findings: Findings) -> list[LeverSet]:
    """Return the lever sets of which every lever changes something."""
    return [
        levers
        for levers in list_lever_sets(findings.plan.params)
        if levers and findings.plan.drop_idle(levers) == levers
    ]


def select_levers(findings: Findings) -> LeverSet:
    """Return the lever set worth it at the largest budget whose gain is the surest; plain where there is none.

    Where fine-tuning for real measured it too, it must gain there as well, surely or not. What the pipeline cannot use
    together is no advice.
    """
    position = findings.scores.budgets.index(findings.max_budget)
    candidates = [
        levers
        for levers in list_effective_sets(findings)
        if findings.classify(levers, findings.max_budget) == "worth it" and _is_usable(findings, levers)
    ]
    candidates = [
        levers
        for levers in candidates
        if not is_refuted(findings, levers, findings.max_budget)
        and not is_doubtful(findings, levers, findings.max_budget)
    ]
    return max(candidates, key=lambda levers: findings.simultaneous_gains[levers][position].low, default=BASELINE)


def _is_usable(findings: Findings, levers: LeverSet) -> bool:
    """Return whether the pipeline can draw on no less of each kind than there are."""
    components = [findings.plan.params.levers[name] for name in levers]
    return all(
        sum(peer.kind == component.kind for peer in components) <= max(component.max_in_use, 1)
        for component in components
    )


def _split_remaining(
    findings: Findings, best: LeverSet, too_costly: LeverSet
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the levers to leave off, and those that nobody knows about yet."""
    remaining = [name for name in findings.plan.params.levers if name not in best]
    undecided = tuple(
        name for name in remaining if name not in too_costly and _is_undecided(findings, name, best, too_costly)
    )
    return tuple(name for name in remaining if name not in undecided), undecided


def _is_undecided(findings: Findings, name: str, best: LeverSet, too_costly: LeverSet) -> bool:
    """Return whether a lever may yet be worth it: added to what is kept, or, where nothing is, in whatever set.

    A set that has all of what is kept, or dear, gains by that; it says nothing of the lever itself.
    """
    fixed = {*best} or {*too_costly}
    candidates = [
        levers for levers in list_effective_sets(findings) if name in levers and not (fixed and fixed <= {*levers})
    ]
    if any(is_confirmed(findings, levers, findings.max_budget) for levers in candidates):
        return True
    if best:
        joint = findings.plan.drop_idle(tuple(sorted({*best, name})))
        return (
            name in joint
            and classify_gain(compute_added_gain(findings, joint, best), findings.plan.params.min_effect) in PROMISING
        )
    return any(
        findings.classify(levers, findings.max_budget) in PROMISING
        and not is_refuted(findings, levers, findings.max_budget)
        for levers in candidates
    )


def compute_added_gain(findings: Findings, levers: LeverSet, reference: LeverSet) -> Interval:
    """Return what a lever set gains over another with all labels."""
    return findings.band.interval(
        compute_gain(findings.scores, levers, reference)[findings.scores.budgets.index(findings.max_budget)]
    )


def _build_options(findings: Findings, best: LeverSet) -> list[Option]:
    lever_sets = dict.fromkeys((BASELINE, best))
    return [
        build_option(findings, round(share * findings.max_budget), levers) for share in STEPS for levers in lever_sets
    ]


def build_option(findings: Findings, extra_labels: int, levers: LeverSet) -> Option:
    """Return what so many labels more with these levers would score and cost."""
    cost, score = findings.plan.params.cost, findings.curve.predict(findings.max_budget + extra_labels)
    if levers:
        added = compute_gain(findings.scores, levers)[findings.scores.budgets.index(findings.max_budget)]
        score = BootstrapSamples(np.clip(score.rows + added.rows, 0, 1))
    seconds = [
        outcome.seconds
        for run, outcome in findings.measurements.outcomes.items()
        if (run.levers, run.budget, run.depth) == (levers, findings.max_budget, "quick")
    ]
    hours = extra_labels * cost.label_minutes / 60 + sum(seconds) / max(len(seconds), 1) / 3600 * cost.computer_hour
    return Option(extra_labels, levers, score.interval(findings.confidence_level), hours)


def _select_front(options: Sequence[Option]) -> list[Option]:
    """Return the options that none beats in both score and hours, the cheapest first."""
    front: list[Option] = []
    for candidate in sorted(options, key=lambda option: (option.hours, -option.score.value)):
        if not front or candidate.score.value > front[-1].score.value:
            front.append(candidate)
    return front


def _choose_option(findings: Findings, front: Sequence[Option], current: float) -> Option | None:
    """Return the smallest number of further labels that adds what matters; None where none on the front does."""
    min_effect = max(findings.plan.params.min_effect, 1e-9)
    return next(
        (candidate for candidate in front if candidate.extra_labels and candidate.score.value - current >= min_effect),
        None,
    )
