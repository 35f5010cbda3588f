"""Findings -> the one sentence everybody reads first, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.worth.confirmation import get_fine_tuned_gain, is_doubtful, is_refuted
from satiety.worth.decision import Decision, list_effective_sets

if TYPE_CHECKING:
    from collections.abc import Callable

    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.findings import Findings
    from satiety.worth.label_count import LabelCount
    from satiety.worth.sample_size import SampleSize
    from satiety.worth.scores import LeverSet

    Formatter = Callable[[float, Findings], str]

HEAD = " with a linear head", "（线性头）"
"""What is added, in English and Chinese, where fine-tuning may say otherwise."""


def write_headline(findings: Findings, decision: Decision) -> dict[str, Any]:
    """Return what the strongest finding says in labels, and which it is; where no lever is worth it, that."""
    winners = [
        (levers, budget)
        for levers in list_effective_sets(findings)
        for budget in findings.scores.budgets
        if findings.classify(levers, budget) == "worth it"
    ]
    if not winners:
        return _write_no_winner(findings, decision)
    levers, budget = max(winners, key=lambda winner: _rank(findings, decision, *winner))
    position = findings.scores.budgets.index(budget)
    labels, gain = findings.labels[levers][position], findings.simultaneous_gains[levers][position]
    ends = [_format_range(labels, gain, findings, formatter) for formatter in (_format_en, _format_zh)]
    names, label_count, caveat = " + ".join(levers), labels.value, _write_caveat(findings, decision, levers, budget)
    return {
        "lever": "+".join(levers),
        "budget": budget,
        "en": f"{names} at {budget:,} labels does what {_format_en(label_count, findings)} labels do alone "
        f"{ends[0]}{caveat[0]}.",
        "zh": f"{names} 在 {budget:,} 条标注时的效果，相当于单用{_format_zh(label_count, findings)}条标注 "
        f"{ends[1]}{caveat[1]}。",
    }


def _write_caveat(findings: Findings, decision: Decision, levers: LeverSet, budget: int) -> tuple[str, str]:
    """Return what must be added where the finding is a linear head's alone, or not to be followed for its cost."""
    metric = findings.plan.problem.headline
    for larger in (n for n in findings.scores.budgets if n >= budget):
        gain = get_fine_tuned_gain(findings, levers, larger)
        if gain and _is_contested(findings, levers, larger):
            numbers = _format_gain(gain)
            return (
                f"{HEAD[0]}; with fine-tuning, at {larger:,} labels, its gain is {numbers} {metric}",
                f"{HEAD[1]}；{larger:,} 条标注、真正微调时，{metric} 增益为 {numbers}",
            )
    caveat = (
        ("; labels that do as much cost less", "；但效果相当的标注更省时")
        if levers == decision.too_costly
        else ("", "")
    )
    if findings.agreement and not get_fine_tuned_gain(findings, levers, budget):
        return f"{HEAD[0]}{caveat[0]}", f"{HEAD[1]}{caveat[1]}"
    return caveat


def _is_contested(findings: Findings, levers: LeverSet, budget: int) -> bool:
    return is_refuted(findings, levers, budget) or is_doubtful(findings, levers, budget)


def _rank(
    findings: Findings, decision: Decision, levers: LeverSet, budget: int
) -> tuple[bool, bool, bool, bool, float]:
    """Prefer what is advised, what fine-tuning does not refute, what lasts to the end, what is a number, the surest."""
    position = findings.scores.budgets.index(budget)
    labels = findings.labels[levers][position]
    is_uncontested = not any(_is_contested(findings, levers, n) for n in findings.scores.budgets if n >= budget)
    is_lasting = findings.classify(levers, findings.max_budget) in ("worth it", "inconclusive")
    is_finite = bool(np.isfinite(labels.value))
    return (
        levers == decision.keep,
        is_uncontested,
        is_lasting,
        is_finite,
        findings.simultaneous_gains[levers][position].low,
    )


def _write_no_winner(findings: Findings, decision: Decision) -> dict[str, str]:
    position = findings.scores.budgets.index(findings.max_budget)
    if not findings.plan.params.levers:
        levers_ = findings.scores.curve[position].interval(findings.confidence_level)
        numbers = f"{levers_.value:.3f} [{levers_.low:.3f}, {levers_.high:.3f}]"
        return {
            "en": f"{findings.max_budget:,} labels alone score {numbers}; no lever was measured.",
            "zh": f"只用 {findings.max_budget:,} 条标注得分 {numbers}；没有测量任何杠杆。",
        }
    lever_sets = list_effective_sets(findings)
    if not lever_sets:
        return {"en": "No lever measured changes anything here.", "zh": "测量的杠杆在此都不起作用。"}
    levers = max(lever_sets, key=lambda levers_: findings.simultaneous_gains[levers_][position].value)
    names, numbers = " + ".join(levers), _format_gain(findings.simultaneous_gains[levers][position])
    metric, head = findings.plan.problem.headline, HEAD if findings.agreement else ("", "")
    undecided, decided = (
        ("is surely worth it yet", "尚无确定值得使用的杠杆"),
        ("is worth it here", "没有值得使用的杠杆"),
    )
    verdict, outlook = (
        (undecided, _write_sample_size(decision.sample_size, findings)) if decision.undecided else (decided, ("", ""))
    )
    return {
        "en": f"No lever measured {verdict[0]}: "
        f"at {findings.max_budget:,} labels the best, {names}, adds {numbers} {metric}{head[0]}{outlook[0]}.",
        "zh": f"在此{verdict[1]}：{findings.max_budget:,} 条标注时，其中最好的 {names} 的 {metric} 增益为 "
        f"{numbers}{head[1]}{outlook[1]}。",
    }


def _write_sample_size(sample_size: SampleSize | None, findings: Findings) -> tuple[str, str]:
    """Return how many labels would make that gain sure, if it stays what it is; or that it is too small to matter."""
    if sample_size is None:
        threshold = f"worth.min_effect ({findings.plan.params.min_effect:g})"
        return (
            f"; that is below {threshold}: if so, no number of labels makes it worth it",
            f"；低于 {threshold}：若确实如此，标注再多也不值得",
        )
    if sample_size.labels is None:
        tests = f"{len(findings.plan.test):,}"
        return (
            f"; with {tests} test examples no number of labels would make such a gain sure",
            f"；只有 {tests} 条测试样例时，再多标注也无法确定这样的增益",
        )
    return (
        f"; if that is its gain, about {sample_size.labels:,} labels would make it sure",
        f"；若增益确实如此，约需 {sample_size.labels:,} 条标注才能确定",
    )


def _format_gain(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _format_range(labels: LabelCount, gain: Interval, findings: Findings, formatter: Formatter) -> str:
    """Return the interval of the labels; where all of it lies beyond measure, the gain's instead."""
    if not np.isfinite(labels.low):
        return f"({findings.plan.problem.headline} {_format_gain(gain)})"
    return f"[{formatter(labels.low, findings).strip()}, {formatter(labels.high, findings).strip()}]"


def _format_en(labels: float, findings: Findings) -> str:
    return f"{round(labels, 1):,.0f}" if np.isfinite(labels) else f"more than {findings.max_budget:,}"


def _format_zh(labels: float, findings: Findings) -> str:
    """Return the number with the spaces that set it off from Chinese."""
    return f" {round(labels, 1):,.0f} " if np.isfinite(labels) else f"超过 {findings.max_budget:,} "
