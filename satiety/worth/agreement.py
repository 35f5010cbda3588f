"""Findings at both depths -> how often the quick one sees a gain as fine-tuning does, and where it does not."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, groups_of
from satiety.worth.scores import gain, resample

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def agreement(found: Findings) -> dict[str, Any] | None:
    """Compare the signs of gains at both depths, where full fine-tuning's interval leaves 0 out."""
    plan = found.plan
    cells = [((c.budget, c.levers, c.chain), o.tallies) for c, o in found.course.outcomes.items() if c.depth == "full"]
    if not cells:
        return None
    how = Resampling(plan.params.seed, plan.params.resamples, plan.params.level)
    plain = [c for c in cells if not c[0][1]]
    scores = resample(plan.problem.score, plan.problem.headline, cells, plain, groups_of(plan.test), how)
    compared: list[dict[str, Any]] = []
    for levers in scores.chains:
        gains = gain(scores, levers)
        for place, budget in enumerate(scores.budgets):
            if levers and plan.acting(levers) == levers:  # what changes nothing proves nothing
                quick = found.gains[levers][found.scores.budgets.index(budget)].rounded()
                full = gains[place].interval(how.level).rounded()
                compared.append({"lever": "+".join(levers), "budget": budget, "quick": quick, "full": full})
    told = [one for one in compared if one["full"]["low"] > 0 or one["full"]["high"] < 0]
    differ = [one for one in told if np.sign(one["quick"]["value"]) != np.sign(one["full"]["value"])]
    return {
        "cells": len(told),
        "agree": len(told) - len(differ),
        "share": wilson(len(told) - len(differ), len(told), how.level).rounded() if told else None,
        "disagreements": differ,
        "compared": compared,
    }


def wilson(hits: float, of: int, level: float) -> Interval:
    """Return a share and its interval (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = hits / of, 1 + z**2 / of
    middle = (share + z**2 / (2 * of)) / spread
    half = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)) / spread
    return Interval(share, float(middle - half), float(middle + half))
