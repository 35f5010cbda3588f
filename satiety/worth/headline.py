"""Findings -> the one sentence everybody reads first, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.worth.confirmed import doubted, refuted, tuned
from satiety.worth.decision import Decision, acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.enough import Enough
    from satiety.worth.equivalence import Labels
    from satiety.worth.findings import Findings
    from satiety.worth.scores import LeverSet

    Say = Callable[[float, Findings], str]

HEAD = " with a linear head", "（线性头）"
"""What is added, in English and Chinese, where fine-tuning may say otherwise."""


def headline(found: Findings, decision: Decision) -> dict[str, Any]:
    """Return what the strongest finding says in labels, and which it is; where no lever is worth it, that."""
    worth = [
        (levers, budget)
        for levers in acting(found)
        for budget in found.scores.budgets
        if found.says(levers, budget) == "worth it"
    ]
    if not worth:
        return _nothing(found, decision)
    levers, budget = max(worth, key=lambda one: _rank(found, decision, *one))
    place = found.scores.budgets.index(budget)
    labels, gain = found.labels[levers][place], found.together[levers][place]
    ends = [_range(labels, gain, found, say) for say in (_en, _zh)]
    names, alone, but = " + ".join(levers), labels.value, _but(found, decision, levers, budget)
    return {
        "lever": "+".join(levers),
        "budget": budget,
        "en": f"{names} at {budget:,} labels does what {_en(alone, found)} labels do alone {ends[0]}{but[0]}.",
        "zh": f"{names} 在 {budget:,} 条标注时的效果，相当于单用{_zh(alone, found)}条标注 {ends[1]}{but[1]}。",
    }


def _but(found: Findings, decision: Decision, levers: LeverSet, budget: int) -> tuple[str, str]:
    """Return what must be added where the finding is a linear head's alone, or not to be followed for its cost."""
    metric = found.plan.problem.headline
    for at in (n for n in found.scores.budgets if n >= budget):
        gained = tuned(found, levers, at)
        if gained and _contested(found, levers, at):
            numbers = _numbers(gained)
            return (
                f"{HEAD[0]}; with fine-tuning, at {at:,} labels, its gain is {numbers} {metric}",
                f"{HEAD[1]}；{at:,} 条标注、真正微调时，{metric} 增益为 {numbers}",
            )
    dear = ("; labels that do as much cost less", "；但效果相当的标注更省时") if levers == decision.dear else ("", "")
    if found.agreement and not tuned(found, levers, budget):
        return f"{HEAD[0]}{dear[0]}", f"{HEAD[1]}{dear[1]}"
    return dear


def _contested(found: Findings, levers: LeverSet, budget: int) -> bool:
    return refuted(found, levers, budget) or doubted(found, levers, budget)


def _rank(found: Findings, decision: Decision, levers: LeverSet, budget: int) -> tuple[bool, bool, bool, bool, float]:
    """Prefer what is advised, what fine-tuning does not refute, what lasts to the end, what is a number, the surest."""
    place = found.scores.budgets.index(budget)
    labels = found.labels[levers][place]
    stands = not any(_contested(found, levers, n) for n in found.scores.budgets if n >= budget)
    lasts = found.says(levers, found.top) in ("worth it", "inconclusive")
    number = bool(np.isfinite(labels.value))
    return levers == decision.keep, stands, lasts, number, found.together[levers][place].low


def _nothing(found: Findings, decision: Decision) -> dict[str, str]:
    place = found.scores.budgets.index(found.top)
    if not found.plan.params.levers:
        one = found.scores.curve[place].interval(found.level)
        numbers = f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
        return {
            "en": f"{found.top:,} labels alone score {numbers}; no lever was measured.",
            "zh": f"只用 {found.top:,} 条标注得分 {numbers}；没有测量任何杠杆。",
        }
    sets_ = acting(found)
    if not sets_:
        return {"en": "No lever measured changes anything here.", "zh": "测量的杠杆在此都不起作用。"}
    levers = max(sets_, key=lambda one: found.together[one][place].value)
    names, numbers = " + ".join(levers), _numbers(found.together[levers][place])
    metric, head = found.plan.problem.headline, HEAD if found.agreement else ("", "")
    open_, known = ("is surely worth it yet", "尚无确定值得使用的杠杆"), ("is worth it here", "没有值得使用的杠杆")
    says, more = (open_, _more(decision.enough, found)) if decision.undecided else (known, ("", ""))
    return {
        "en": f"No lever measured {says[0]}: "
        f"at {found.top:,} labels the best, {names}, adds {numbers} {metric}{head[0]}{more[0]}.",
        "zh": f"在此{says[1]}：{found.top:,} 条标注时，其中最好的 {names} 的 {metric} 增益为 "
        f"{numbers}{head[1]}{more[1]}。",
    }


def _more(needed: Enough | None, found: Findings) -> tuple[str, str]:
    """Return how many labels would make that gain sure, if it stays what it is; or that it is too small to matter."""
    if needed is None:
        least = f"worth.least ({found.plan.params.least:g})"
        return (
            f"; that is below {least}: if so, no number of labels makes it worth it",
            f"；低于 {least}：若确实如此，标注再多也不值得",
        )
    if needed.labels is None:
        tests = f"{len(found.plan.test):,}"
        return (
            f"; with {tests} test examples no number of labels would make such a gain sure",
            f"；只有 {tests} 条测试样例时，再多标注也无法确定这样的增益",
        )
    return (
        f"; if that is its gain, about {needed.labels:,} labels would make it sure",
        f"；若增益确实如此，约需 {needed.labels:,} 条标注才能确定",
    )


def _numbers(one: Interval) -> str:
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _range(labels: Labels, gain: Interval, found: Findings, say: Say) -> str:
    """Return the interval of the labels; where all of it lies beyond measure, the gain's instead."""
    if not np.isfinite(labels.low):
        return f"({found.plan.problem.headline} {_numbers(gain)})"
    return f"[{say(labels.low, found).strip()}, {say(labels.high, found).strip()}]"


def _en(labels: float, found: Findings) -> str:
    return f"{round(labels, 1):,.0f}" if np.isfinite(labels) else f"more than {found.top:,}"


def _zh(labels: float, found: Findings) -> str:
    """Return the number with the spaces that set it off from Chinese."""
    return f" {round(labels, 1):,.0f} " if np.isfinite(labels) else f"超过 {found.top:,} "
