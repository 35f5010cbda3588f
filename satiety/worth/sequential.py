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

from satiety.worth.pool import pool_luck
from satiety.worth.resample import Chains, means
from satiety.worth.scores import PLAIN, LeverSet, Scores

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval

Verdict = Literal["worth it", "not worth it here", "harmful", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Futility:
    """When a lever set is given up early."""

    alpha: float
    """The largest share of levers worth it that may be stopped, over all looks."""
    least: float
    """The least gain that matters, in score."""
    first: int
    """Chains at the first look; Student's t wants three or more."""
    chains: int
    """Chains planned. The last is no look: nothing is left to save."""

    @property
    def looks(self) -> range:
        """After how many chains somebody looks."""
        return range(self.first, self.chains)

    @property
    def level(self) -> float:
        """Of one look's upper bound, one-sided."""
        return 1 - self.alpha / max(len(self.looks), 1)


def stopped(scores: Scores, levers: LeverSet, rule: Futility) -> int | None:
    """Return after how many chains a lever set is to be stopped, or None while it goes on.

    The answer never changes once given: a look sees the first chains alone, whatever was measured since.

    Args:
        scores: of the chains so far.
        levers: the lever set.
        rule: when to stop. The bound is the outermost part of the resamples, so params ask for twice looks / alpha.
    """
    gains = scores.chains[levers] - scores.chains[PLAIN]
    order = np.cumsum(np.isfinite(gains.pooled().point), axis=1)
    for look in rule.looks:
        if look > order[0, -1]:
            return None
        seen = gains.where(order <= look)
        pool = pool_luck([seen], scores.budgets, scores.lucks.levers_pool)
        for part in (seen.pooled(), Chains(seen.point[-1:], seen.draws[:, -1:])):
            draws = means([(part, scores.lucks.levers)])[0].draws + pool
            if np.quantile(draws, rule.level, method="higher") >= rule.least:
                break
        else:
            return look
    return None


def verdict(gain: Interval, least: float) -> Verdict:
    """Say what a gain means.

    "Harmful": its whole interval lies below 0. "Not worth it here": below the least that matters. "Worth it": above 0,
    and the gain as measured is no less than the least that matters. Else nobody knows yet.

    Args:
        gain: in score, with its interval.
        least: the least gain that matters, 0 or more.
    """
    if gain.high < 0:
        return "harmful"
    if gain.high < least:
        return "not worth it here"
    if gain.low > 0 and gain.value >= least:
        return "worth it"
    return "inconclusive"
