"""Findings at both depths -> how often the quick one sees a gain as fine-tuning does, and where it does not."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups
from satiety.worth.scores import compute_gain, resample_scores

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def compare_depths(findings: Findings) -> dict[str, Any] | None:
    """Compare the signs of gains at both depths, where full fine-tuning's interval leaves 0 out."""
    plan = findings.plan
    runs = [
        ((c.budget, c.levers, c.replicate), o.tallies)
        for c, o in findings.measurements.outcomes.items()
        if c.depth == "full"
    ]
    if not runs:
        return None
    resampling = Resampling(plan.params.seed, plan.params.resamples, plan.params.confidence_level)
    baseline = [c for c in runs if not c[0][1]]
    scores = resample_scores(
        plan.problem.score, plan.problem.headline, runs, baseline, assign_groups(plan.test), resampling
    )
    compared: list[dict[str, Any]] = []
    for levers in scores.replicates:
        gains = compute_gain(scores, levers)
        for position, budget in enumerate(scores.budgets):
            if levers and plan.drop_idle(levers) == levers:  # what changes nothing proves nothing
                proxy = findings.gains[levers][findings.scores.budgets.index(budget)].to_dict()
                fine_tuned = gains[position].interval(resampling.confidence_level).to_dict()
                compared.append({"lever": "+".join(levers), "budget": budget, "quick": proxy, "full": fine_tuned})
    decisive = [row for row in compared if row["full"]["low"] > 0 or row["full"]["high"] < 0]
    disagreements = [row for row in decisive if np.sign(row["quick"]["value"]) != np.sign(row["full"]["value"])]
    return {
        "cells": len(decisive),
        "agree": len(decisive) - len(disagreements),
        "share": estimate_wilson_interval(
            len(decisive) - len(disagreements), len(decisive), resampling.confidence_level
        ).to_dict()
        if decisive
        else None,
        "disagreements": disagreements,
        "compared": compared,
    }


def estimate_wilson_interval(hits: float, trials: int, confidence_level: float) -> Interval:
    """Return a share and its interval (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + confidence_level) / 2)
    share, spread = hits / trials, 1 + z**2 / trials
    middle = (share + z**2 / (2 * trials)) / spread
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / spread
    return Interval(share, float(middle - half), float(middle + half))
