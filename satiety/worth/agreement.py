"""Gains of the proxy and of fine-tuning -> how often both have the same sign, and what fine-tuning confirms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups
from satiety.evaluate.share import estimate_wilson_interval
from satiety.worth.scores import LeverSet, compute_gain, resample_scores
from satiety.worth.verdicts import classify_gain

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def compare_depths(findings: Findings) -> dict[str, Any] | None:
    """Compare the signs of proxy and fine-tuned gains wherever the fine-tuned interval excludes 0."""
    plan = findings.plan
    runs = [
        ((run.budget, run.levers, run.replicate), outcome.tallies)
        for run, outcome in findings.measurements.outcomes.items()
        if run.depth == "fine_tuned"
    ]
    if not runs:
        return None
    resampling = Resampling(plan.params.seed, plan.params.resamples, plan.params.confidence_level)
    baseline = [(key, tallies) for key, tallies in runs if not key[1]]
    scores = resample_scores(
        plan.problem.score, plan.problem.headline, runs, baseline, assign_groups(plan.test), resampling
    )

    compared: list[dict[str, Any]] = []
    for levers in scores.replicates:
        if not levers or plan.drop_idle(levers) != levers:
            continue  # a set with an idle lever duplicates the set without it
        gains = compute_gain(scores, levers)
        for position, budget in enumerate(scores.budgets):
            proxy = findings.gains[levers][findings.scores.budgets.index(budget)].to_dict()
            fine_tuned = gains[position].interval(resampling.confidence_level).to_dict()
            compared.append({"lever": "+".join(levers), "budget": budget, "proxy": proxy, "fine_tuned": fine_tuned})

    decisive = [row for row in compared if row["fine_tuned"]["low"] > 0 or row["fine_tuned"]["high"] < 0]
    disagreements = [row for row in decisive if np.sign(row["proxy"]["value"]) != np.sign(row["fine_tuned"]["value"])]
    total, agree = len(decisive), len(decisive) - len(disagreements)
    share = estimate_wilson_interval(agree, total, resampling.confidence_level).to_dict() if total else None
    return {"runs": total, "agree": agree, "share": share, "disagreements": disagreements, "compared": compared}


def get_fine_tuned_gain(findings: Findings, levers: LeverSet, budget: int) -> Interval | None:
    """Return the fine-tuned gain of a lever set at a budget; None where it was not measured."""
    rows: Sequence[Any] = findings.agreement["compared"] if findings.agreement else ()
    name = "+".join(findings.plan.drop_idle(levers))
    intervals = (Interval(**row["fine_tuned"]) for row in rows if (row["lever"], row["budget"]) == (name, budget))
    return next(intervals, None)


def is_refuted(findings: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether the fine-tuned interval lies below the minimum effect."""
    return _classify_fine_tuned(findings, levers, budget) in ("harmful", "not worth it here")


def is_confirmed(findings: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether the fine-tuned gain is worth it."""
    return _classify_fine_tuned(findings, levers, budget) == "worth it"


def is_contested(findings: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning refutes a lever set, or measures no gain at all."""
    gain = get_fine_tuned_gain(findings, levers, budget)
    return gain is not None and (gain.value <= 0 or is_refuted(findings, levers, budget))


def _classify_fine_tuned(findings: Findings, levers: LeverSet, budget: int) -> str | None:
    gain = get_fine_tuned_gain(findings, levers, budget)
    return None if gain is None else classify_gain(gain, findings.plan.params.min_effect)
