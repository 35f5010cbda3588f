"""Findings -> what to do next: how many labels more, and which levers. All sentences are made of this one value.

Options are compared by score and by cost in hours of a person's time; the Pareto front is what no other option beats in
both. The score of more labels is the curve's forecast; a lever set adds to it what it gained at the largest budget,
which is as far as anybody has measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval
from satiety.worth.confirmed import doubted, proved, refuted
from satiety.worth.enough import Enough, enough
from satiety.worth.resample import Drawn
from satiety.worth.scores import PLAIN, LeverSet, gain
from satiety.worth.sequential import verdict
from satiety.worth.study import sets

if TYPE_CHECKING:
    from satiety.worth.findings import Findings

STEPS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Further labels that are thought of, as shares of those there are; the curve is drawn no further."""

MAY = ("inconclusive", "worth it")
"""Verdicts under which a lever may be worth it."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something one could do."""

    more: int
    """Labels beyond those there are."""
    levers: LeverSet
    score: Interval
    hours: float
    """Of a person's time; computing is converted into it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is advised."""

    foretold: bool
    """False where what was learned does not beat label names alone yet: then there is no curve to go by."""
    keep: LeverSet
    dear: LeverSet
    """What would be kept, but for its cost: labels that do as much are cheaper."""
    off: tuple[str, ...]
    undecided: tuple[str, ...]
    chosen: Option | None
    """More labels; None where none on the front adds what matters."""
    front: tuple[Option, ...]
    enough: Enough | None = None
    """What it takes to be sure of the best lever set, where none is sure yet and one looks worth it."""


def decide(found: Findings) -> Decision:
    """Return what to do next."""
    best = surest(found)
    if found.untaught(found.top):
        return Decision(False, best, PLAIN, *_rest(found, best, PLAIN), None, ())
    needed = None if best else enough(found, acting(found))
    front = _front(_options(found, best))
    dear = PLAIN
    if not any(one.levers == best and not one.more for one in front):
        best, dear, front = PLAIN, best, [one for one in front if not one.levers]
    now = option(found, 0, best).score.value
    chosen = _chosen(found, [one for one in front if one.levers == best], now)
    return Decision(True, best, dear, *_rest(found, best, dear), chosen, tuple(front), needed)


def acting(found: Findings) -> list[LeverSet]:
    """Return the lever sets of which every lever changes something."""
    return [one for one in sets(found.plan.params) if one and found.plan.acting(one) == one]


def surest(found: Findings) -> LeverSet:
    """Return the lever set worth it at the largest budget whose gain is the surest; plain where there is none.

    Where fine-tuning for real measured it too, it must gain there as well, surely or not. What the pipeline cannot use
    together is no advice.
    """
    place = found.scores.budgets.index(found.top)
    worth = [one for one in acting(found) if found.says(one, found.top) == "worth it" and _usable(found, one)]
    worth = [one for one in worth if not refuted(found, one, found.top) and not doubted(found, one, found.top)]
    return max(worth, key=lambda one: found.together[one][place].low, default=PLAIN)


def _usable(found: Findings, levers: LeverSet) -> bool:
    """Return whether the pipeline can draw on no less of each kind than there are."""
    chosen = [found.plan.params.levers[name] for name in levers]
    return all(sum(other.kind == one.kind for other in chosen) <= max(one.at_once, 1) for one in chosen)


def _rest(found: Findings, best: LeverSet, dear: LeverSet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the levers to leave off, and those that nobody knows about yet."""
    rest = [name for name in found.plan.params.levers if name not in best]
    undecided = tuple(name for name in rest if name not in dear and _open(found, name, best, dear))
    return tuple(name for name in rest if name not in undecided), undecided


def _open(found: Findings, name: str, best: LeverSet, dear: LeverSet) -> bool:
    """Return whether a lever may yet be worth it: added to what is kept, or, where nothing is, in whatever set.

    A set that has all of what is kept, or dear, gains by that; it says nothing of the lever itself.
    """
    known = {*best} or {*dear}
    having = [levers for levers in acting(found) if name in levers and not (known and known <= {*levers})]
    if any(proved(found, levers, found.top) for levers in having):
        return True
    if best:
        both = found.plan.acting(tuple(sorted({*best, name})))
        return name in both and verdict(added(found, both, best), found.plan.params.least) in MAY
    return any(found.says(one, found.top) in MAY and not refuted(found, one, found.top) for one in having)


def added(found: Findings, levers: LeverSet, over: LeverSet) -> Interval:
    """Return what a lever set gains over another with all labels."""
    return found.sure.interval(gain(found.scores, levers, over)[found.scores.budgets.index(found.top)])


def _options(found: Findings, best: LeverSet) -> list[Option]:
    sets_ = dict.fromkeys((PLAIN, best))
    return [option(found, round(share * found.top), levers) for share in STEPS for levers in sets_]


def option(found: Findings, more: int, levers: LeverSet) -> Option:
    """Return what so many labels more with these levers would score and cost."""
    cost, score = found.plan.params.cost, found.curve.at(found.top + more)
    if levers:
        more_of = gain(found.scores, levers)[found.scores.budgets.index(found.top)]
        score = Drawn(np.clip(score.rows + more_of.rows, 0, 1))
    seconds = [
        outcome.seconds
        for cell, outcome in found.course.outcomes.items()
        if (cell.levers, cell.budget, cell.depth) == (levers, found.top, "quick")
    ]
    hours = more * cost.label_minutes / 60 + sum(seconds) / max(len(seconds), 1) / 3600 * cost.computer_hour
    return Option(more, levers, score.interval(found.level), hours)


def _front(options: Sequence[Option]) -> list[Option]:
    """Return the options that none beats in both score and hours, the cheapest first."""
    front: list[Option] = []
    for one in sorted(options, key=lambda option: (option.hours, -option.score.value)):
        if not front or one.score.value > front[-1].score.value:
            front.append(one)
    return front


def _chosen(found: Findings, front: Sequence[Option], now: float) -> Option | None:
    """Return the smallest number of further labels that adds what matters; None where none on the front does."""
    least = max(found.plan.params.least, 1e-9)
    return next((one for one in front if one.more and one.score.value - now >= least), None)
