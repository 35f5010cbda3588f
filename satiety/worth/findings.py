"""The outcomes of a study -> what is said of them: the content of ``reports/worth.json``, but for advice and sentences.

Every number comes from :mod:`scores` and what is computed of it; here it is only asked for, in order, and rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, groups_of, intervals
from satiety.worth import curve as curves
from satiety.worth.advantage import advantage
from satiety.worth.agreement import agreement
from satiety.worth.cells import Cell
from satiety.worth.chains import CURVE
from satiety.worth.credit import Share, credit
from satiety.worth.curve import Curve
from satiety.worth.equivalence import Labels
from satiety.worth.forecast import backtest, forecast
from satiety.worth.known import LEAKED, calibration
from satiety.worth.place import Place, idle, measured, untaught
from satiety.worth.recipes import best
from satiety.worth.resample import Drawn
from satiety.worth.scores import LeverSet, Scores, gain, resample
from satiety.worth.sequential import verdict
from satiety.worth.study import Course, sets
from satiety.worth.together import Sure

if TYPE_CHECKING:
    from satiety.worth.plan import Plan
    from satiety.worth.scores import Key

ZERO: LeverSet = ("zero-shot",)
"""No lever, but compared with plain as levers are."""
HORIZON = 4
"""How many times the largest budget the curve is drawn."""
DRAWN = 40
"""Points of the line that is drawn."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a study found."""

    plan: Plan
    course: Course
    scores: Scores
    curve: Curve
    levels: Mapping[LeverSet, Drawn]
    """The score of every lever set, plain among them, at all budgets."""
    gains: Mapping[LeverSet, list[Interval]]
    """Of every lever set, by budget; each interval holds by itself, for labels drawn anew."""
    together: Mapping[LeverSet, list[Interval]]
    """The same, with intervals that hold all at once: verdicts are told by these."""
    labels: Mapping[LeverSet, list[Labels]]
    sure: Sure
    """How far intervals reach that hold together with those."""
    agreement: Mapping[str, Any] | None = None
    """Of quick depth with full; None where nothing was fine-tuned."""

    @property
    def level(self) -> float:
        """Of every interval."""
        return self.plan.params.level

    @property
    def top(self) -> int:
        """The largest budget: all labels there are."""
        return self.course.budgets[-1]

    def says(self, levers: LeverSet, budget: int) -> str:
        """Return the verdict on a lever set at a budget: none where neither it nor plain learned anything."""
        gained = self.together[levers][self.scores.budgets.index(budget)]
        if self.untaught(budget) and gained.low == gained.high == 0:
            return "inconclusive"
        return verdict(gained, self.plan.params.least)

    def untaught(self, budget: int) -> bool:
        """Return whether plain answers by label names alone at a budget: what was learned does not beat that yet."""
        return untaught(self.course, budget)


def find(plan: Plan, course: Course) -> Findings:
    """Resample the outcomes, fit the curve, and read every gain off it."""
    how = Resampling(plan.params.seed, plan.params.resamples, plan.params.level)
    course = replace(course, outcomes=best(course.outcomes, plan.zero, plan.problem))
    cells = [(_key(cell), outcome.tallies) for cell, outcome in course.outcomes.items() if measured(cell)]
    plain = [key for key, _ in cells if not key[1]]
    cells += [((budget, ZERO, chain), plan.zero) for budget, _, chain in plain]
    line = [(_key(cell), outcome.tallies) for cell, outcome in course.outcomes.items() if cell.chain >= CURVE]
    groups = groups_of(plan.test)
    scores = resample(plan.problem.score, plan.problem.headline, cells, line, groups, how)
    # What is known of a control holds for whatever labels: so it is looked for in these.
    scores = scores.at_hand([LEAKED, *((lever.kind,) for lever in plan.params.controls)])
    curve = curves.fit(scores.budgets, scores.curve)
    drawn = {levers: list(_each(gain(scores, levers))) for levers in scores.chains if levers}
    gains = {levers: [one.interval(how.level) for one in several] for levers, several in drawn.items()}
    real = [levers for levers in sets(plan.params) if levers]
    sure = Sure.of((one for levers in real for one in drawn[levers]), how.level)
    place = Place(plan, course, scores, curve)
    levels = {levers: place.level(levers) for levers in scores.chains}
    labels = {
        levers: list(place.labels(levers, level, sure if levers in real else None))
        for levers, level in levels.items()
        if levers
    }
    together = {levers: [sure.interval(one) for one in several] for levers, several in drawn.items()}
    found = Findings(plan, course, scores, curve, levels, gains, together, labels, sure)
    return replace(found, agreement=agreement(found))


def _key(cell: Cell) -> Key:
    return cell.budget, cell.levers if cell.gated else LEAKED, cell.chain


def _each(drawn: Any) -> Iterator[Any]:
    return (drawn[i] for i in range(len(drawn.point)))


def tell(found: Findings) -> dict[str, Any]:
    """Return the report."""
    plan, course = found.plan, found.course
    line = [{"budget": n, **_line(found, n)} for n in found.scores.budgets]
    return {
        "metric": plan.problem.headline,
        "problem": plan.problem.kind,
        "depth": "full" if any(cell.depth == "full" for cell in course.outcomes) else "quick",
        "level": found.level,
        "labels": len(plan.pool),
        "test": len(plan.test),
        "languages": languages(plan),
        "chains": {"levers": plan.params.chains, "curve": plan.params.curve_chains},
        "resamples": plan.params.resamples,
        "budgets": list(course.budgets),
        "curve": [{"budget": 0, **_zero(plan).rounded()}, *line],
        "fit": _fit(found),
        "methods": list(_methods(found)),
        "levers": list(_levers(found)),
        "advantage": list(_advantages(found)),
        "credit": list(_credits(found)),
        "forecast": list(_forecasts(found)),
        "backtest": _backtest(found),
        "calibration": calibration(found),
        "agreement": found.agreement,
        "saved": _saved(found),
    }


def languages(plan: Plan) -> list[str]:
    """Return the languages of a twentieth of the labels or more, the commonest first."""
    counts = Counter(example.language for example in plan.pool if example.language)
    return [name for name, count in counts.most_common() if count >= 0.05 * len(plan.pool)]


def _zero(plan: Plan) -> Interval:
    how = Resampling(plan.params.seed, plan.params.resamples, plan.params.level)
    return intervals(plan.problem.score, plan.zero, groups_of(plan.test), how)[plan.problem.headline]


def _line(found: Findings, budget: int) -> dict[str, float]:
    place = found.scores.budgets.index(budget)
    one = found.scores.curve[place].interval(found.level)
    return Interval(one.value, max(one.low, 0.0), min(one.high, 1.0)).rounded()


def _fit(found: Findings) -> dict[str, Any]:
    curve, end = found.curve, found.curve.largest * HORIZON
    places = np.geomspace(curve.smallest, end, DRAWN)
    return {
        "asymptote": curve.asymptote.interval(found.level).rounded(),
        "exponent": round(curve.exponent, 6),
        "line": [{"labels": round(float(n), 1), **curve.at(n).interval(found.level).rounded()} for n in places],
    }


def _methods(found: Findings) -> Iterator[dict[str, Any]]:
    """Yield recipes without a lever, each against plain, which is the better one at each budget."""
    outcomes = found.course.outcomes
    for place, budget in enumerate(found.scores.budgets):
        shares = [o.zero_shot for c, o in outcomes.items() if measured(c) and c.budget == budget and not c.levers]
        yield {
            "method": ZERO[0],
            "budget": budget,
            "score": round(float(found.scores.mean(ZERO)[place]), 6),
            "difference": found.gains[ZERO][place].rounded(),
            "chosen": round(sum(shares) / len(shares), 6),
        }


def _levers(found: Findings) -> Iterator[dict[str, Any]]:
    for levers in sets(found.plan.params):
        for place, budget in enumerate(found.scores.budgets if levers else ()):
            yield {
                "lever": "+".join(levers),
                "budget": budget,
                "score": round(float(found.levels[levers].point[place]), 6),
                "gain": found.together[levers][place].rounded(),
                "alone": found.gains[levers][place].rounded(),
                "labels": found.labels[levers][place].rounded(),
                "verdict": found.says(levers, budget),
                "stopped": found.plan.acting(levers) in found.course.stopped,
                "refused": _refused(found, levers, budget),
            }


def _refused(found: Findings, levers: LeverSet, budget: int) -> int:
    """Return how many texts were refused in all chains, for they give test texts away."""
    cells = found.course.outcomes.items()
    return sum(o.refused for c, o in cells if measured(c) and (c.levers, c.budget) == (levers, budget))


def _advantages(found: Findings) -> Iterator[dict[str, Any]]:
    for levers in sets(found.plan.params):
        if levers:
            nothing = idle(found.scores, levers).all()
            line = found.curve if nothing else curves.fit(found.scores.budgets, found.levels[levers])
            yield {"lever": "+".join(levers), **advantage(found.curve, line, found.level).rounded()}


def _credits(found: Findings) -> Iterator[dict[str, Any]]:
    names = tuple(sorted(found.plan.params.levers))
    for one in credit(found.scores, names, found.level) if names else ():
        yield {
            "budget": one.budget,
            "joint": _share(one.joint),
            "shares": [{"lever": share.levers[0], **_share(share)} for share in one.shares],
            "interactions": [{"levers": list(share.levers), **_share(share)} for share in one.interactions],
            "capped": one.capped,
        }


def _share(share: Share) -> dict[str, Any]:
    return {"gain": share.gain.rounded(), "labels": share.labels and share.labels.rounded()}


def _forecasts(found: Findings) -> Iterator[dict[str, Any]]:
    for target in () if found.untaught(found.top) else targets(found):
        one = forecast(found.curve, target, found.level)
        labels = one.labels.rounded()
        yield {"target": target, "labels": labels.pop("value"), **labels, "reachable": one.reachable}


def targets(found: Findings) -> list[float]:
    """Return the scores to forecast: those asked for, or some between what there is and what there could be."""
    if found.plan.params.targets is not None:
        return sorted({*found.plan.params.targets})
    now = float(found.curve.at(found.top).point)
    room = max(float(found.curve.asymptote.point) - now, 0.03)
    return sorted({min(1.0, max(round(now + share * room, 2), round(now + 0.01, 2))) for share in (0.25, 0.5, 0.75)})


def _backtest(found: Findings) -> dict[str, Any]:
    tried = backtest(found.scores.budgets, found.scores.curve, found.level)
    share = None if tried.share is None else round(tried.share, 6)
    return {"forecasts": len(tried.forecasts), "covered": tried.covered, "share": share}


def _saved(found: Findings) -> dict[str, Any]:
    course, params = found.course, found.plan.params
    above = sum(n > 0 for n in course.budgets)
    cells = above * sum(params.chains - after for after in course.stopped.values())
    return {
        "cells": cells,
        "of": course.planned,
        "share": round(cells / course.planned, 6),
        "stopped": [{"lever": "+".join(levers), "after": after} for levers, after in sorted(course.stopped.items())],
        "error": params.alpha,
    }
