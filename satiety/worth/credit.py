"""Scores of all lever combinations -> each lever's share of the joint gain, and interactions of pairs.

A lever's share is its Shapley value: what it adds to the other levers, averaged over all orders of adding. Shares sum
to the joint gain, and equivalent levers get equal shares. A pair's interaction is its gain beyond the sum of the single
gains, averaged likewise: positive for complements, negative for substitutes.

Both are computed from scores and from labels. All combinations use the same replicates, so sampling noise of the labels
cancels in differences: a combination's gain is added to the baseline's curve, sample by sample. The curve is not
extrapolated. If an estimated score lies off it, there are no shares of labels. Samples off it are capped at the
smallest or largest budget, which sets ``capped``.

Sources: Shapley 1953, A Value for n-Person Games; for attribution: Owen 2014, SIAM/ASA Journal on Uncertainty
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
    """Credit of a lever, of a pair of levers, or of all."""

    levers: LeverSet
    gain: Interval
    """Share of the gain in score."""
    labels: LabelCount | None
    """Share in labels of the baseline, finite; None where an estimated score lies off the curve."""


@dataclass(frozen=True, slots=True)
class Credit:
    """Joint gain of all levers at a budget, split into shares."""

    budget: int
    joint: Share
    shares: tuple[Share, ...]
    """One share per lever; their sum is ``joint``."""
    interactions: tuple[Share, ...]
    """One interaction per pair."""
    is_capped: bool
    """Whether any score, estimated or sampled, lies off the measured part of the curve."""


def assign_credit(scores: Scores, levers: LeverSet, confidence_level: float) -> list[Credit]:
    """Split the joint gain of ``levers`` at every budget where all their combinations were measured.

    Raises:
        DataError: a combination was not measured at any budget.
    """
    lever_sets = [subset for size in range(len(levers) + 1) for subset in combinations(sorted(levers), size)]
    if missing := ["+".join(subset) or "baseline" for subset in lever_sets if subset not in scores.replicates]:
        raise DataError(f"worth: credit needs every combination of the levers; not measured: {', '.join(missing[:5])}")
    common = scores.restrict_to_common(lever_sets)
    curve = curves.fit(common.budgets, common.curve)
    gains = {subset: compute_gain(common, subset) for subset in lever_sets}
    return [
        _split_gain(budget, {subset: samples[i] for subset, samples in gains.items()}, curve, confidence_level)
        for i, budget in enumerate(common.budgets)
        if budget and all(np.isfinite(samples.point[i]) for samples in gains.values())
    ]


def compute_interaction(values: Mapping[LeverSet, BootstrapSamples], levers: LeverSet) -> BootstrapSamples:
    """Return the Shapley interaction index of ``levers``; of a single lever it is the Shapley value.

    It is their joint gain beyond the gains of their subsets, averaged over the sets of the other levers.

    Args:
        values: of every combination of all levers, () included.
        levers: one or more of them.
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
        count = LabelCount.from_samples(label_count, confidence_level) if is_on_curve else None
        return Share(levers, gain.interval(confidence_level), count)

    joint = build_share(all_levers, *(table[all_levers] - table[BASELINE] for table in (gains, labels)))
    shares, pairs = (
        tuple(
            build_share(subset, compute_interaction(gains, subset), compute_interaction(labels, subset))
            for subset in combinations(all_levers, size)
        )
        for size in (1, 2)
    )
    return Credit(budget, joint, shares, pairs, bool(is_outside.any()))
