"""A gain that is not sure yet -> how many labels would make it sure, if it is what it looks like.

Of its variance one part falls with the labels, the luck of the pool, as 1 / labels; the rest, that of the test examples
among it, stays. A gain is sure where its interval, which reaches a number of spreads, leaves 0 out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import LeverSet, compute_gain

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


@dataclass(frozen=True, slots=True)
class SampleSize:
    """What it takes to be sure of the best lever set."""

    levers: LeverSet
    labels: int | None
    """None: more labels alone never do, for with these test examples too much stays unsure."""


def estimate_sample_size(findings: Findings, lever_sets: Sequence[LeverSet]) -> SampleSize | None:
    """Return what it takes to be sure of the gain that is largest with all labels; None where it is none that matters.

    It is taken to stay as large as it was measured.

    Args:
        findings: of a study.
        lever_sets: lever sets, each of which changes something.
    """
    best = max(lever_sets, key=lambda levers: findings.gains[levers][-1].value, default=None)
    if best is None or findings.gains[best][-1].value < max(findings.plan.params.min_effect, 1e-9):
        return None
    samples = compute_gain(findings.scores, best)[len(findings.scores.budgets) - 1]
    pool_variance = BootstrapSamples.from_draws(0.0, findings.scores.pool_noise[best]).spread ** 2
    room = (float(samples.point) / findings.band.reach) ** 2 - max(samples.spread**2 - pool_variance, 0.0)
    return SampleSize(best, int(np.ceil(findings.max_budget * pool_variance / room)) if room > 0 else None)
