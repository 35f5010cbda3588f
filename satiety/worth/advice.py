"""A decision -> the next step as a report tells it: one sentence, with its evidence, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from satiety.evaluate.bootstrap import Interval
from satiety.worth.confirmation import get_fine_tuned_gain, is_confirmed
from satiety.worth.decision import Decision, Option, compute_added_gain, list_effective_sets
from satiety.worth.scores import LeverSet

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def advise(findings: Findings, decision: Decision) -> dict[str, Any]:
    """Return the next step, with its evidence and the front it was chosen from."""
    extra_labels = decision.recommended.extra_labels if decision.recommended else 0
    return {
        "sentence": {"en": _write_english(findings, decision), "zh": _write_chinese(findings, decision)},
        "more": extra_labels if decision.has_forecast else findings.max_budget,
        "keep": list(decision.keep),
        "off": list(decision.dropped),
        "undecided": list(decision.undecided),
        "evidence": list(_list_evidence(findings, decision)),
        "sure_at": decision.sample_size
        and {"levers": list(decision.sample_size.levers), "labels": decision.sample_size.labels},
        "front": [_build_row(findings, option, is_chosen=option == decision.recommended) for option in decision.front],
    }


def _write_english(findings: Findings, decision: Decision) -> str:
    labels, option, names = findings.max_budget, decision.recommended, ", ".join
    instruction = f"label {option.extra_labels} more" if option else "label no more (it would add too little)"
    fallback = (
        f"label {labels} more: what {labels} teach does not yet beat label names alone, so nothing can be foretold"
    )
    parts = [instruction if decision.has_forecast else fallback]
    parts += [f"keep {' and '.join(decision.keep)}"] if decision.keep else []
    parts += [f"leave {names(decision.dropped)} off"] if decision.dropped else []
    parts += [f"{names(decision.undecided)} not decided yet"] if decision.undecided else []
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _write_chinese(findings: Findings, decision: Decision) -> str:
    labels, option, names = findings.max_budget, decision.recommended, "、".join
    instruction = f"再标注 {option.extra_labels} 条" if option else "不必再标注（收益太小）"
    fallback = f"再标注 {labels} 条：{labels} 条标注学到的还不如只靠标签名称作答，因此还无法预测"
    parts = [instruction if decision.has_forecast else fallback]
    parts += [f"保留 {names(decision.keep)}"] if decision.keep else []
    parts += [f"关闭 {names(decision.dropped)}"] if decision.dropped else []
    parts += [f"{names(decision.undecided)} 尚无定论"] if decision.undecided else []
    return f"{'；'.join(parts)}。"


def _list_evidence(findings: Findings, decision: Decision) -> Iterator[dict[str, str]]:
    position, metric, budget = (
        findings.scores.budgets.index(findings.max_budget),
        findings.plan.problem.headline,
        findings.max_budget,
    )
    for levers in (candidate for candidate in (decision.keep, decision.too_costly) if candidate):
        names, gain = " + ".join(levers), _format_signed(findings.simultaneous_gains[levers][position])
        yield {
            "en": f"{names} at {budget} labels: {gain} {metric}",
            "zh": f"{budget} 条标注时 {names}：{metric} {gain}",
        }
    if decision.too_costly:
        names = " + ".join(decision.too_costly)
        yield {
            "en": f"{names} costs more hours than labels that do as much, so it is left off",
            "zh": f"{names} 比效果相当的标注更费时，因此关闭",
        }
    if decision.keep and not get_fine_tuned_gain(findings, decision.keep, budget):
        yield {
            "en": "this is a linear head's gain; whether fine-tuning has it too, worth.fine_tuned.replicates: 8 "
            "would say",
            "zh": "这是线性头的增益；微调是否也有，用 worth.fine_tuned.replicates: 8 可以知道",
        }
    yield from _list_fine_tuned_evidence(findings, decision.keep)
    yield from _list_added_gains(findings, decision.keep)
    if decision.recommended:
        labels, score, hours = (
            budget + decision.recommended.extra_labels,
            _format_unsigned(decision.recommended.score),
            f"{decision.recommended.hours:.1f}",
        )
        yield {
            "en": f"{labels} labels: {metric} {score}, for {hours} hours",
            "zh": f"{labels} 条标注：{metric} {score}，费时 {hours} 小时",
        }
    baseline = _format_unsigned(findings.scores.curve[position].interval(findings.confidence_level))
    yield {
        "en": f"plain at {budget} labels: {metric} {baseline}",
        "zh": f"{budget} 条标注、不用杠杆：{metric} {baseline}",
    }


def _list_fine_tuned_evidence(findings: Findings, keep: LeverSet) -> Iterator[dict[str, str]]:
    """Yield what fine-tuning says of what is kept, and of all that either depth takes for worth it."""
    for levers in list_effective_sets(findings):
        gain, is_worth_it = (
            get_fine_tuned_gain(findings, levers, findings.max_budget),
            findings.classify(levers, findings.max_budget) == "worth it",
        )
        if gain and (levers == keep or is_worth_it or is_confirmed(findings, levers, findings.max_budget)):
            names, numbers, metric = " + ".join(levers), _format_signed(gain), findings.plan.problem.headline
            yield {
                "en": f"{names} at {findings.max_budget} labels, fine-tuned for real: {numbers} {metric}",
                "zh": f"{findings.max_budget} 条标注、真正微调时 {names}：{metric} {numbers}",
            }


def _list_added_gains(findings: Findings, keep: LeverSet) -> Iterator[dict[str, str]]:
    """Yield what further levers add to those that are kept."""
    for levers in list_effective_sets(findings) if keep else ():
        if len(levers) == len(keep) + 1 and {*keep} < {*levers}:
            (name,), numbers = {*levers} - {*keep}, _format_signed(compute_added_gain(findings, levers, keep))
            names, metric = " + ".join(keep), findings.plan.problem.headline
            yield {
                "en": f"{name} added to {names} at {findings.max_budget} labels: {numbers} {metric}",
                "zh": f"{findings.max_budget} 条标注时，在 {names} 之上再加 {name}：{metric} {numbers}",
            }


def _format_signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _format_unsigned(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _build_row(findings: Findings, option: Option, *, is_chosen: bool) -> dict[str, Any]:
    return {
        "labels": findings.max_budget + option.extra_labels,
        "levers": list(option.levers),
        "score": option.score.to_dict(),
        "hours": round(option.hours, 2),
        "chosen": is_chosen,
    }
