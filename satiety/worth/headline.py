"""Findings -> the one sentence everybody reads first, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.worth.advice import keep, refuted, tuned
from satiety.worth.study import sets

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.equivalence import Labels
    from satiety.worth.findings import Findings
    from satiety.worth.scores import LeverSet


def headline(found: Findings) -> dict[str, Any]:
    """Return what the strongest finding says in labels, and which it is; where no lever is worth it, that."""
    worth = [
        (levers, budget)
        for levers in sets(found.plan.params)
        if levers
        for budget in found.scores.budgets
        if found.says(levers, budget) == "worth it"
    ]
    if not worth:
        return _nothing(found)
    levers, budget = max(worth, key=lambda one: _rank(found, *one))
    place = found.scores.budgets.index(budget)
    labels, gain = found.labels[levers][place], found.gains[levers][place]
    ends = [_range(labels, gain, found, say) for say in (_en, _zh)]
    names, alone, at, but = " + ".join(levers), labels.value, f"{budget:,}", _but(found, levers, budget)
    return {
        "lever": "+".join(levers),
        "budget": budget,
        "en": f"{names} at {at} labels does what {_en(alone, found)} labels do alone {ends[0]}{but[0]}.",
        "zh": f"{names} 在 {at} 条标注时的效果，相当于单用 {_zh(alone, found)} 条 {ends[1]}{but[1]}。",
    }


def _but(found: Findings, levers: LeverSet, budget: int) -> tuple[str, str]:
    """Return what must be added where fine-tuning was measured and does not gain: the finding is a head's alone."""
    gained = tuned(found, levers, budget)
    if gained is None or not refuted(found, levers, budget):
        return "", ""
    numbers = "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**gained)
    return f" by a linear head; fine-tuned it adds {numbers}", f"（线性头）；微调时增益为 {numbers}"


def _rank(found: Findings, levers: LeverSet, budget: int) -> tuple[bool, bool, bool, float]:
    """Prefer what is advised, then what is not off with all labels there are, what is a number, what is surest."""
    place = found.scores.budgets.index(budget)
    labels = found.labels[levers][place]
    lasts = found.says(levers, found.top) in ("worth it", "inconclusive")
    return levers == keep(found), lasts, bool(np.isfinite(labels.value)), found.gains[levers][place].low


def _nothing(found: Findings) -> dict[str, str]:
    place = found.scores.budgets.index(found.top)
    if not found.plan.params.levers:
        one = found.scores.curve[place].interval(found.level)
        numbers = f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
        return {
            "en": f"{found.top:,} labels alone score {numbers}; no lever was measured.",
            "zh": f"只用 {found.top:,} 条标注得分 {numbers}；没有测量任何杠杆。",
        }
    measured = [one for one in sets(found.plan.params) if one]
    telling = [one for one in measured if found.gains[one][place].low < found.gains[one][place].high] or measured
    levers = max(telling, key=lambda one: found.gains[one][place].value)
    one, names = found.gains[levers][place], " + ".join(levers)
    numbers = f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
    return {
        "en": f"No lever measured is worth it here: at {found.top:,} labels the best, {names}, adds {numbers}.",
        "zh": f"在此没有值得使用的杠杆：{found.top:,} 条标注时，其中最好的 {names} 增益为 {numbers}。",
    }


def _range(labels: Labels, gain: Interval, found: Findings, say: object) -> str:
    """Return the interval of the labels; where all of it lies beyond measure, the gain's instead."""
    if not np.isfinite(labels.low):
        return f"({gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}])"
    return f"[{say(labels.low, found)}, {say(labels.high, found)}]"  # type: ignore[operator]


def _en(labels: float, found: Findings) -> str:
    return f"{round(labels, 1):,.0f}" if np.isfinite(labels) else f"more than {found.top:,}"


def _zh(labels: float, found: Findings) -> str:
    return f"{round(labels, 1):,.0f}" if np.isfinite(labels) else f"超过 {found.top:,}"
