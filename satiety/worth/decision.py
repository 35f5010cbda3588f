"""Findings -> the next step: how many more labels, and which levers. :mod:`satiety.worth.advice` words it.

Options are compared by score and by cost in hours of a person's time. The Pareto front contains every option that no
other beats in both. The score of more labels is the curve's forecast; a lever set adds its gain at the largest budget,
where it was last measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval
from satiety.worth.agreement import is_confirmed, is_contested, is_refuted
from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import BASELINE, LeverSet, compute_gain
from satiety.worth.study import list_lever_sets
from satiety.worth.verdicts import classify_gain

if TYPE_CHECKING:
    from satiety.worth.findings import Findings

STEPS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Additional labels to consider, as shares of the present ones; the drawn curve ends at the last."""

PROMISING = ("inconclusive", "worth it")
"""Verdicts that leave a gain possible."""


@dataclass(frozen=True, slots=True)
class Option:
    """A number of additional labels and a lever set, with score and cost."""

    extra_labels: int
    """Labels in addition to the present ones."""
    levers: LeverSet
    score: Interval
    hours: float
    """Hours of a person's time, computing converted into it."""


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Number of labels that would confirm the gain of the best lever set."""

    levers: LeverSet
    labels: int | None
    """None: with this test set no number of labels suffices."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Recommended next step."""

    has_forecast: bool
    """False while training scores no higher than zero-shot, since then no curve can be extrapolated."""
    keep: LeverSet
    too_costly: LeverSet
    """Lever set that gains, but costs more than labels with the same effect."""
    dropped: tuple[str, ...]
    undecided: Mapping[str, LeverSet]
    """Levers without a verdict, each with the smallest lever set that may be worth it."""
    recommended: Option | None
    """Option with more labels; None where no such option on the front adds the minimum effect."""
    front: tuple[Option, ...]
    sample_size: SampleSize | None = None
    """Labels that would confirm the best lever set; None where one is worth it already or none comes close."""


def decide(findings: Findings) -> Decision:
    """Return the recommended next step."""
    levers, too_costly = select_levers(findings), BASELINE
    if findings.is_zero_shot(findings.max_budget):
        return Decision(False, levers, BASELINE, *_split_remaining(findings, levers, BASELINE), None, ())
    sample_size = None if levers else estimate_sample_size(findings, list_effective_sets(findings))

    # Pareto front of score against hours, cheapest first.
    options = [
        build_option(findings, round(share * findings.max_budget), lever_set)
        for share in STEPS
        for lever_set in dict.fromkeys((BASELINE, levers))
    ]
    front: list[Option] = []
    for candidate in sorted(options, key=lambda option: (option.hours, -option.score.value)):
        if not front or candidate.score.value > front[-1].score.value:
            front.append(candidate)
    if not any(candidate.levers == levers and not candidate.extra_labels for candidate in front):
        levers, too_costly, front = BASELINE, levers, [candidate for candidate in front if not candidate.levers]

    # Fewest additional labels that add the minimum effect.
    target = max(findings.plan.params.min_effect, 1e-9)
    current = build_option(findings, 0, levers).score.value
    recommended = next(
        (
            candidate
            for candidate in front
            if candidate.levers == levers and candidate.extra_labels and candidate.score.value - current >= target
        ),
        None,
    )
    remaining = _split_remaining(findings, levers, too_costly)
    return Decision(True, levers, too_costly, *remaining, recommended, tuple(front), sample_size)


def list_effective_sets(findings: Findings) -> list[LeverSet]:
    """Return the lever sets without an idle lever."""
    return [
        levers
        for levers in list_lever_sets(findings.plan.params)
        if levers and findings.plan.drop_idle(levers) == levers
    ]


def select_levers(findings: Findings) -> LeverSet:
    """Return the lever set worth it with the highest lower bound at the largest budget; () where there is none.

    A set is excluded if fine-tuning measured no gain for it, or if the pipeline cannot use its levers together.
    """
    budget, levers_by_name = findings.max_budget, findings.plan.params.levers

    def is_usable(levers: LeverSet) -> bool:
        components = [levers_by_name[name] for name in levers]
        return all(
            sum(peer.kind == component.kind for peer in components) <= max(component.max_in_use, 1)
            for component in components
        )

    candidates = [
        levers
        for levers in list_effective_sets(findings)
        if findings.classify(levers, budget) == "worth it"
        and is_usable(levers)
        and not is_contested(findings, levers, budget)
    ]
    position = findings.scores.budgets.index(budget)
    return max(candidates, key=lambda levers: findings.simultaneous_gains[levers][position].low, default=BASELINE)


def _split_remaining(
    findings: Findings, best: LeverSet, too_costly: LeverSet
) -> tuple[tuple[str, ...], dict[str, LeverSet]]:
    """Return the levers to turn off; and those without a verdict, each with its undecided set."""
    remaining = [name for name in findings.plan.params.levers if name not in best]
    promising = {
        name: levers
        for name in remaining
        if name not in too_costly and (levers := _find_promising_set(findings, name, best, too_costly))
    }
    return tuple(name for name in remaining if name not in promising), promising


def _find_promising_set(findings: Findings, name: str, best: LeverSet, too_costly: LeverSet) -> LeverSet:
    """Return the smallest set that may make a lever worth it: the best set with it or, without a best one, any.

    A set that contains all of the best (or too costly) levers gains by these, so it is no evidence for another lever.
    """
    budget, fixed = findings.max_budget, {*best} or {*too_costly}
    candidates = [
        levers for levers in list_effective_sets(findings) if name in levers and not (fixed and fixed <= {*levers})
    ]
    if confirmed := [levers for levers in candidates if is_confirmed(findings, levers, budget)]:
        return min(confirmed, key=len)
    if best:
        joint = findings.plan.drop_idle(tuple(sorted({*best, name})))
        if name not in joint:
            return BASELINE
        added = classify_gain(compute_added_gain(findings, joint, best), findings.plan.params.min_effect)
        return joint if added in PROMISING else BASELINE
    promising = (
        levers
        for levers in candidates
        if findings.classify(levers, budget) in PROMISING and not is_refuted(findings, levers, budget)
    )
    return min(promising, key=len, default=BASELINE)


def compute_added_gain(findings: Findings, levers: LeverSet, reference: LeverSet) -> Interval:
    """Return the gain of a lever set over another at the largest budget."""
    position = findings.scores.budgets.index(findings.max_budget)
    return findings.band.interval(compute_gain(findings.scores, levers, reference)[position])


def build_option(findings: Findings, extra_labels: int, levers: LeverSet) -> Option:
    """Return the expected score and the cost of additional labels with a lever set."""
    cost, score = findings.plan.params.cost, findings.curve.predict(findings.max_budget + extra_labels)
    if levers:
        added = compute_gain(findings.scores, levers)[findings.scores.budgets.index(findings.max_budget)]
        score = BootstrapSamples(np.clip(score.rows + added.rows, 0, 1))
    seconds = [
        outcome.seconds
        for run, outcome in findings.measurements.outcomes.items()
        if (run.levers, run.budget, run.depth) == (levers, findings.max_budget, "proxy")
    ]
    hours = extra_labels * cost.label_minutes / 60 + sum(seconds) / max(len(seconds), 1) / 3600 * cost.computer_hour
    return Option(extra_labels, levers, score.interval(findings.confidence_level), hours)


def estimate_sample_size(findings: Findings, lever_sets: Sequence[LeverSet]) -> SampleSize | None:
    """Return the labels that would confirm the largest gain of all, if its true size is the measured one.

    The pool's variance falls as 1 / labels; the rest of the variance, that of the test set included, is constant.
    The gain is confirmed where its interval, which extends ``band.reach`` spreads, excludes 0.

    Args:
        findings: of a study.
        lever_sets: lever sets without idle levers.

    Returns:
        None where the largest gain is below ``min_effect``.
    """
    best = max(lever_sets, key=lambda levers: findings.gains[levers][-1].value, default=None)
    if best is None or findings.gains[best][-1].value < max(findings.plan.params.min_effect, 1e-9):
        return None
    samples = compute_gain(findings.scores, best)[len(findings.scores.budgets) - 1]
    pool_variance = BootstrapSamples.from_draws(0.0, findings.scores.pool_noise[best]).spread ** 2
    room = (float(samples.point) / findings.band.reach) ** 2 - max(samples.spread**2 - pool_variance, 0.0)
    return SampleSize(best, int(np.ceil(findings.max_budget * pool_variance / room)) if room > 0 else None)
