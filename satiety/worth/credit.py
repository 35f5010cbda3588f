"""Scores of every combination of levers -> what each lever is to be credited with, and which pairs help each other.

A lever's share is its Shapley value: what it adds to the levers already there, averaged over all orders of adding.
Shares add up to the joint gain, and levers that do the same get the same. A pair's interaction is what both together
add beyond what each adds alone, averaged likewise: above 0 they help each other, below 0 they do the same twice.

Both are taken of scores and of labels. All combinations are measured in the same chains, so the luck of a draw is in
none of the differences: what a combination adds to plain is laid on plain's curve, draw by draw. The curve is not
extrapolated: where a score as measured lies off it, there are no shares of labels; where a draw does, it is capped at
the curve's smallest or largest budget, and ``capped`` says so.

Source: Shapley 1953, A Value for n-Person Games; for attribution: Owen 2014, SIAM/ASA Journal on Uncertainty
Quantification 2:245; interactions: Grabisch & Roubens 1999, International Journal of Game Theory 28:547.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.errors import DataError
from satiety.worth import curve as curves
from satiety.worth.label_count import LabelCount
from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import BASELINE, LeverSet, Scores, compute_gain

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.curve import Curve


@dataclass(frozen=True, slots=True)
class Share:
    """What is credited to a lever, to a pair of them, or to all."""

    levers: LeverSet
    gain: Interval
    """In score."""
    labels: LabelCount | None
    """In labels of plain, finite; None where some score as measured lies off the curve."""


@dataclass(frozen=True, slots=True)
class Credit:
    """The joint gain of some levers at a budget, split."""

    budget: int
    joint: Share
    shares: tuple[Share, ...]
    """Of each lever; they add up to ``joint``."""
    interactions: tuple[Share, ...]
    """Of each pair."""
    is_capped: bool
    """Whether any score, as measured or drawn, lay outside the measured stretch of the curve."""


def assign_credit(scores: Scores, levers: LeverSet, confidence_level: float) -> list[Credit]:
    """Split the joint gain of ``levers`` at every budget at which all their combinations were measured.

    Raises:
        DataError: a combination has no cell at all.
    """
    lever_sets = [subset for size in range(len(levers) + 1) for subset in combinations(sorted(levers), size)]
    if missing := ["+".join(subset) or "plain" for subset in lever_sets if subset not in scores.replicates]:
        raise DataError(f"worth: credit takes all combinations of the levers; not measured: {', '.join(missing[:5])}")
    common = scores.restrict_to_common(lever_sets)
    curve, gains = (
        curves.fit(common.budgets, common.curve),
        {subset: compute_gain(common, subset) for subset in lever_sets},
    )
    positions = [
        i
        for i, n in enumerate(common.budgets)
        if n and all(np.isfinite(samples.point[i]) for samples in gains.values())
    ]
    return [
        _split_gain(
            common.budgets[i], {subset: samples[i] for subset, samples in gains.items()}, curve, confidence_level
        )
        for i in positions
    ]


def compute_interaction(values: Mapping[LeverSet, BootstrapSamples], levers: LeverSet) -> BootstrapSamples:
    """Return the Shapley interaction index of ``levers``; of a single lever it is the Shapley value.

    That is what they add together beyond what parts of them add, averaged over the sets of the others.

    Args:
        values: of every combination of all levers, () among them.
        levers: one, two or more of them.
    """
    all_levers = max(values, key=len)
    num_free = len(all_levers) - len(levers)
    total = np.zeros_like(values[all_levers].rows)
    for subset, value in values.items():
        num_others = len(set(subset) - set(levers))
        sign = (-1) ** (len(levers) - (len(subset) - num_others))
        total = total + sign * value.rows / ((num_free + 1) * comb(num_free, num_others))
    return BootstrapSamples(total)


def _split_gain(
    budget: int, gains: Mapping[LeverSet, BootstrapSamples], curve: Curve, confidence_level: float
) -> Credit:
    """Split the joint gain at one budget, in score and in labels."""
    baseline = curve.predict(budget).rows
    label_counts = {
        levers: curve.invert(BootstrapSamples(baseline + samples.rows)).rows for levers, samples in gains.items()
    }
    ends = curve.smallest, curve.largest
    is_outside = np.array([(rows < ends[0]) | (rows > ends[1]) for rows in label_counts.values()])
    labels = {levers: BootstrapSamples(np.clip(rows, *ends)) for levers, rows in label_counts.items()}
    all_levers, is_on_curve = max(gains, key=len), not is_outside[:, 0].any()

    def build_share(levers: LeverSet, gain: BootstrapSamples, label_count: BootstrapSamples) -> Share:
        return Share(
            levers,
            gain.interval(confidence_level),
            LabelCount.from_samples(label_count, confidence_level) if is_on_curve else None,
        )

    def estimate_share(levers: LeverSet) -> Share:
        return build_share(levers, compute_interaction(gains, levers), compute_interaction(labels, levers))

    joint = build_share(all_levers, *(table[all_levers] - table[BASELINE] for table in (gains, labels)))
    shares, pairs = (tuple(estimate_share(subset) for subset in combinations(all_levers, size)) for size in (1, 2))
    return Credit(budget, joint, shares, pairs, bool(is_outside.any()))
