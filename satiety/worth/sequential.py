"""Gains so far -> may a lever set be left alone? And gains at the end -> the verdict.

A lever set is looked at after each chain, for futility alone: it is stopped once the upper bounds of its gain, pooled
over all budgets and at the largest, lie below the least gain that matters. Each look may err with probability
alpha / looks, so all of them together with at most alpha (Bonferroni): of levers worth it, at most that share is
stopped. A gain is never confirmed early, so stopping adds nothing to the errors of the verdicts on those that go on.

In 500 simulated studies (``tests/unit/worth/simulation.py``: 800 test texts, 10 chains, a first look after 4, alpha
.05) a lever whose true gain is exactly the least that matters was stopped in .016, for looks at the same chains go
together. One whose gain lies .05 below it was stopped in .76, and 3.6 of its 10 chains were saved; .02 below, .34 and
1.2.

Source: Bonferroni bounds over looks: Jennison & Turnbull 2000, Group Sequential Methods, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from satiety.worth.pool import sample_pool_noise
from satiety.worth.resample import ReplicateScores, compute_means
from satiety.worth.scores import BASELINE, LeverSet, Scores

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval

Verdict = Literal["worth it", "not worth it here", "harmful", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Futility:
    """When a lever set is given up early."""

    alpha: float
    """The largest share of levers worth it that may be stopped, over all looks."""
    min_effect: float
    """The least gain that matters, in score."""
    first_comparison: int
    """Chains at the first look; Student's t wants three or more."""
    replicates: int
    """Chains planned. The last is no look: nothing is left to save."""

    @property
    def comparisons(self) -> range:
        """After how many chains somebody looks."""
        return range(self.first_comparison, self.replicates)

    @property
    def confidence_level(self) -> float:
        """Of one look's upper bound, one-sided."""
        return 1 - self.alpha / max(len(self.comparisons), 1)


def find_stop(scores: Scores, levers: LeverSet, rule: Futility) -> int | None:
    """Return after how many chains a lever set is to be stopped, or None while it goes on.

    The answer never changes once given: a look sees the first chains alone, whatever was measured since.

    Args:
        scores: of the chains so far.
        levers: the lever set.
        rule: when to stop. The bound is the outermost part of the resamples, so params ask for twice looks / alpha.
    """
    gains = scores.replicates[levers] - scores.replicates[BASELINE]
    order = np.cumsum(np.isfinite(gains.average_budgets().point), axis=1)
    for comparison in rule.comparisons:
        if comparison > order[0, -1]:
            return None
        interim_gains = gains.mask(order <= comparison)
        pool_noise = sample_pool_noise([interim_gains], scores.budgets, scores.noise.levers_pool)
        for group in (
            interim_gains.average_budgets(),
            ReplicateScores(interim_gains.point[-1:], interim_gains.draws[:, -1:]),
        ):
            draws = compute_means([(group, scores.noise.levers)])[0].draws + pool_noise
            if np.quantile(draws, rule.confidence_level, method="higher") >= rule.min_effect:
                break
        else:
            return comparison
    return None


def classify_gain(gain: Interval, min_effect: float) -> Verdict:
    """Say what a gain means.

    "Harmful": its whole interval lies below 0. "Not worth it here": below the least that matters. "Worth it": above 0,
    and the gain as measured is no less than the least that matters. Else nobody knows yet.

    Args:
        gain: in score, with its interval.
        min_effect: the least gain that matters, 0 or more.
    """
    if gain.high < 0:
        return "harmful"
    if gain.high < min_effect:
        return "not worth it here"
    if gain.low > 0 and gain.value >= min_effect:
        return "worth it"
    return "inconclusive"
