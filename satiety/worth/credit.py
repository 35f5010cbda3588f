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

from satiety.errors import DataError
from satiety.worth import curve as curves
from satiety.worth.equivalence import Labels
from satiety.worth.resample import Drawn
from satiety.worth.scores import PLAIN, LeverSet, Scores, gain

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.curve import Curve


@dataclass(frozen=True, slots=True)
class Share:
    """What is credited to a lever, to a pair of them, or to all."""

    levers: LeverSet
    gain: Interval
    """In score."""
    labels: Labels | None
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
    capped: bool
    """Whether any score, as measured or drawn, lay outside the measured stretch of the curve."""


def credit(scores: Scores, levers: LeverSet, level: float) -> list[Credit]:
    """Split the joint gain of ``levers`` at every budget at which all their combinations were measured.

    Raises:
        DataError: a combination has no cell at all.
    """
    sets = [chosen for size in range(len(levers) + 1) for chosen in combinations(sorted(levers), size)]
    if missing := ["+".join(chosen) or "plain" for chosen in sets if chosen not in scores.chains]:
        raise DataError(f"worth: credit takes all combinations of the levers; not measured: {', '.join(missing[:5])}")
    same = scores.common(sets)
    curve, gains = curves.fit(same.budgets, same.curve), {chosen: gain(same, chosen) for chosen in sets}
    places = [i for i, n in enumerate(same.budgets) if n and all(np.isfinite(one.point[i]) for one in gains.values())]
    return [_credit(same.budgets[i], {chosen: one[i] for chosen, one in gains.items()}, curve, level) for i in places]


def index(values: Mapping[LeverSet, Drawn], levers: LeverSet) -> Drawn:
    """Return the Shapley interaction index of ``levers``; of a single lever it is the Shapley value.

    That is what they add together beyond what parts of them add, averaged over the sets of the others.

    Args:
        values: of every combination of all levers, () among them.
        levers: one, two or more of them.
    """
    everything = max(values, key=len)
    free = len(everything) - len(levers)
    total = np.zeros_like(values[everything].rows)
    for chosen, value in values.items():
        others = len(set(chosen) - set(levers))
        sign = (-1) ** (len(levers) - (len(chosen) - others))
        total = total + sign * value.rows / ((free + 1) * comb(free, others))
    return Drawn(total)


def _credit(budget: int, gains: Mapping[LeverSet, Drawn], curve: Curve, level: float) -> Credit:
    """Split the joint gain at one budget, in score and in labels."""
    plain = curve.at(budget).rows
    worths = {levers: curve.reaches(Drawn(plain + one.rows)).rows for levers, one in gains.items()}
    ends = curve.smallest, curve.largest
    outside = np.array([(rows < ends[0]) | (rows > ends[1]) for rows in worths.values()])
    labels = {levers: Drawn(np.clip(rows, *ends)) for levers, rows in worths.items()}
    everything, legible = max(gains, key=len), not outside[:, 0].any()

    def told(levers: LeverSet, gain: Drawn, worth: Drawn) -> Share:
        return Share(levers, gain.interval(level), Labels.of(worth, level) if legible else None)

    def share(levers: LeverSet) -> Share:
        return told(levers, index(gains, levers), index(labels, levers))

    joint = told(everything, *(table[everything] - table[PLAIN] for table in (gains, labels)))
    shares, pairs = (tuple(share(chosen) for chosen in combinations(everything, size)) for size in (1, 2))
    return Credit(budget, joint, shares, pairs, bool(outside.any()))
