"""Findings and decision -> the sentences of a report, in English and Chinese: headline, next step and evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.report.numbers import metric_name, score, signed
from satiety.worth.agreement import get_fine_tuned_gain, is_confirmed, is_contested
from satiety.worth.decision import Decision, compute_added_gain, list_effective_sets
from satiety.worth.scores import LeverSet

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.findings import Findings
    from satiety.worth.label_count import LabelCount

Texts = tuple[str, str]
"""The same text in English and Chinese."""
EMPTY: Texts = ("", "")
PHRASES: dict[str, Texts] = {
    "augment": ("augmentation", "数据增强"),
    "pretrain": ("continued pre-training", "继续预训练"),
    "retrieve": ("retrieval", "检索"),
    "self_training": ("self-training", "自训练"),
}
"""Names in sentences of levers that are called like their kind."""
PROXY_CAVEAT: Texts = (", for a linear head on frozen embeddings", "（冻结编码器上的线性头）")
"""Limits a claim that was not measured with fine-tuning."""


def advise(findings: Findings, decision: Decision) -> dict[str, Any]:
    """Return the next step with its evidence and the Pareto front."""
    extra_labels = decision.recommended.extra_labels if decision.recommended else 0
    size = decision.sample_size
    return {
        "sentence": _write_recommendation(findings, decision),
        "more": extra_labels if decision.has_forecast else findings.max_budget,
        "keep": list(decision.keep),
        "off": list(decision.dropped),
        "undecided": list(decision.undecided),
        "evidence": list(_list_evidence(findings, decision)),
        "sure_at": size and {"levers": list(size.levers), "labels": size.labels},
        "front": [
            {
                "labels": findings.max_budget + option.extra_labels,
                "levers": list(option.levers),
                "score": option.score.to_dict(),
                "hours": round(option.hours, 2),
                "chosen": option == decision.recommended,
            }
            for option in decision.front
        ],
    }


def write_headline(findings: Findings, decision: Decision) -> dict[str, Any]:
    """Return the strongest finding as a sentence about labels, with its lever set and budget."""

    def rank(winner: tuple[LeverSet, int]) -> tuple[bool, bool, bool, bool, float]:
        """Prefer what is recommended, uncontested, lasting, and finite; then the highest lower bound."""
        levers, budget = winner
        position = findings.scores.budgets.index(budget)
        return (
            levers == decision.keep,
            not any(is_contested(findings, levers, larger) for larger in findings.scores.budgets if larger >= budget),
            findings.classify(levers, findings.max_budget) in ("worth it", "inconclusive"),
            bool(np.isfinite(findings.labels[levers][position].value)),
            findings.simultaneous_gains[levers][position].low,
        )

    winners = [
        (levers, budget)
        for levers in list_effective_sets(findings)
        for budget in findings.scores.budgets
        if findings.classify(levers, budget) == "worth it"
    ]
    if not winners:
        return _write_no_winner(findings, decision)

    levers, budget = max(winners, key=rank)
    position = findings.scores.budgets.index(budget)
    labels, names = findings.labels[levers][position], _join_names(findings, levers)
    number = _format_labels(findings, labels.value)
    interval = _format_evidence(findings, labels, findings.simultaneous_gains[levers][position])
    caveat = _write_caveat(findings, decision, levers, budget)
    sentences = _bilingual(
        f"With {names[0]}, {budget:,} labels score as high as {number[0]} labels without "
        f"{'them' if len(levers) > 1 else 'it'} ({interval[0]}){caveat[0]}.",
        f"使用{names[1]}时，{budget:,} 条标注的得分相当于不使用时的{number[1]}条标注（{interval[1]}）{caveat[1]}。",
    )
    return {"lever": "+".join(levers), "budget": budget, **sentences}


def _write_recommendation(findings: Findings, decision: Decision) -> dict[str, str]:
    labels, option = findings.max_budget, decision.recommended
    if not decision.has_forecast:
        en = [
            f"label {labels} more texts (with {labels} labels, training scores no higher than zero-shot, so no "
            "forecast is possible)"
        ]
        zh = [f"再标注 {labels} 条文本（{labels} 条标注时训练的得分仍不高于零样本，无法预测）"]
    elif option:
        en, zh = [f"label {option.extra_labels} more texts"], [f"再标注 {option.extra_labels} 条文本"]
    else:
        en, zh = ["label no more texts (the expected gain is too small)"], ["不再标注（预期增益太小）"]

    keep, dropped = (_join_names(findings, levers) for levers in (decision.keep, decision.dropped))
    if decision.keep:
        en, zh = [*en, f"keep {keep[0]} on"], [*zh, f"继续使用{keep[1]}"]
    if decision.dropped:
        en, zh = [*en, f"turn {dropped[0]} off"], [*zh, f"关闭{dropped[1]}"]
    undecided = _list_undecided_sets(findings, decision)
    rest = (f"; inconclusive: {undecided[0]}", f"；尚无定论：{undecided[1]}") if decision.undecided else EMPTY
    return _bilingual(f"Recommendation: {', '.join(en)}{rest[0]}.", f"建议：{'，'.join(zh)}{rest[1]}。")


def _list_undecided_sets(findings: Findings, decision: Decision) -> Texts:
    """Return the undecided lever sets: a lever may be worth nothing alone, and undecided in a set."""
    kept, names = {*decision.keep}, list[Texts]()
    for levers in dict.fromkeys(decision.undecided.values()):
        is_added = kept and kept < {*levers}
        en, zh = _join_names(findings, tuple(name for name in levers if not is_added or name not in kept), " + ")
        names.append((f"adding {en}", f"再加{zh}") if is_added else (en, zh))
    return ", ".join(en for en, _ in names), "、".join(zh for _, zh in names)


def _list_evidence(findings: Findings, decision: Decision) -> Iterator[dict[str, str]]:
    budget = findings.max_budget
    position = findings.scores.budgets.index(budget)
    for levers in (candidate for candidate in (decision.keep, decision.too_costly) if candidate):
        names = _join_names(findings, levers)
        gain = _format_gain(findings, findings.simultaneous_gains[levers][position])
        yield _bilingual(f"{names[0]} at {budget} labels: {gain[0]}", f"{budget} 条标注时{names[1]}：{gain[1]}")
    if decision.too_costly:
        names = _join_names(findings, decision.too_costly)
        yield _bilingual(
            f"turned off because labels with the same effect cost fewer hours: {names[0]}",
            f"{names[1]}比效果相当的标注更费时，因此关闭",
        )
    if decision.keep and not get_fine_tuned_gain(findings, decision.keep, budget):
        yield _bilingual(
            "this gain was measured with a linear head; set worth.fine_tuned.replicates to 8 to measure it with "
            "fine-tuning",
            "这是线性头的增益；要测量微调时的增益，请把 worth.fine_tuned.replicates 设为 8",
        )
    yield from _list_fine_tuned_evidence(findings, decision.keep)
    yield from _list_added_gains(findings, decision.keep)
    if decision.recommended:
        labels, hours = budget + decision.recommended.extra_labels, f"{decision.recommended.hours:.1f}"
        score = _format_score(findings, decision.recommended.score)
        yield _bilingual(f"{labels} labels: {score[0]}, {hours} hours", f"{labels} 条标注：{score[1]}，需 {hours} 小时")
    score = _format_score(findings, findings.scores.curve[position].interval(findings.confidence_level))
    yield _bilingual(f"baseline at {budget} labels: {score[0]}", f"{budget} 条标注的基线：{score[1]}")


def _list_fine_tuned_evidence(findings: Findings, keep: LeverSet) -> Iterator[dict[str, str]]:
    """Yield the fine-tuned gain of the recommended set, and of sets worth it by proxy or fine-tuning."""
    budget = findings.max_budget
    for levers in list_effective_sets(findings):
        gain = get_fine_tuned_gain(findings, levers, budget)
        is_worth_it = findings.classify(levers, budget) == "worth it" or is_confirmed(findings, levers, budget)
        if gain and (levers == keep or is_worth_it):
            names, numbers = _join_names(findings, levers), _format_gain(findings, gain)
            yield _bilingual(
                f"{names[0]} at {budget} labels, fine-tuned: {numbers[0]}",
                f"{budget} 条标注、微调时{names[1]}：{numbers[1]}",
            )


def _list_added_gains(findings: Findings, keep: LeverSet) -> Iterator[dict[str, str]]:
    """Yield the gain of every single lever in addition to the recommended set."""
    budget, names = findings.max_budget, _join_names(findings, keep)
    for levers in list_effective_sets(findings) if keep else ():
        if len(levers) == len(keep) + 1 and {*keep} < {*levers}:
            added = _join_names(findings, tuple({*levers} - {*keep}))
            gain = _format_gain(findings, compute_added_gain(findings, levers, keep))
            yield _bilingual(
                f"{added[0]} added to {names[0]} at {budget} labels: {gain[0]}",
                f"{budget} 条标注时，在{names[1]}之上再加{added[1]}：{gain[1]}",
            )


def _write_no_winner(findings: Findings, decision: Decision) -> dict[str, str]:
    """Return a headline for a study in which no lever set is worth it."""
    budget = findings.max_budget
    position = findings.scores.budgets.index(budget)
    if not findings.plan.params.levers:
        score = _format_score(findings, findings.scores.curve[position].interval(findings.confidence_level))
        return _bilingual(
            f"{budget:,} labels score {score[0]}; no lever was measured.",
            f"{budget:,} 条标注的得分为 {score[1]}；没有测量任何手段。",
        )
    lever_sets = list_effective_sets(findings)
    if not lever_sets:
        return _bilingual(
            "No measured lever changes the training data or the encoder.", "测量的手段都不改变训练数据或编码器。"
        )

    levers = max(lever_sets, key=lambda lever_set: findings.simultaneous_gains[lever_set][position].value)
    names, gain = _join_names(findings, levers, " + "), findings.simultaneous_gains[levers][position]
    head = PROXY_CAVEAT if findings.agreement else EMPTY
    verdict, outlook = ("is worth it here", "没有值得使用的手段"), EMPTY
    if decision.undecided:
        verdict = "is certain to help yet", "尚无确定有效的手段"
        outlook = _write_sample_size(findings, decision, gain.value)
    best = "最好的组合" if len(levers) > 1 else "最好的手段"
    numbers = _format_gain(findings, gain)
    return _bilingual(
        f"No lever {verdict[0]}. Best at {budget:,} labels: {names[0]}, {numbers[0]}{head[0]}{outlook[0]}.",
        f"{verdict[1]}。{budget:,} 条标注时{best}（{names[1]}）：{numbers[1]}{head[1]}{outlook[1]}。",
    )


def _write_sample_size(findings: Findings, decision: Decision, gain: float) -> Texts:
    """Return how many labels would confirm the best gain, if its true size is the measured one."""
    min_effect = findings.plan.params.min_effect
    if gain < min_effect:
        return (
            f", less than the smallest gain that matters ({min_effect:g})",
            f"，低于有意义的最小增益（{min_effect:g}）",
        )
    if decision.sample_size is None:
        return EMPTY
    if decision.sample_size.labels is None:
        tests = f"{len(findings.plan.test):,}"
        return (
            f"; with {tests} test examples, no number of labels would confirm it",
            f"；只有 {tests} 条测试样例时，标注再多也无法确认",
        )
    labels = f"{decision.sample_size.labels:,}"
    return f"; about {labels} labels would confirm it", f"；约需 {labels} 条标注才能确认"


def _write_caveat(findings: Findings, decision: Decision, levers: LeverSet, budget: int) -> Texts:
    """Return what limits the headline: a fine-tuned gain that contradicts it, missing fine-tuning, or the cost."""
    for tested_budget in (n for n in findings.scores.budgets if n >= budget):
        gain = get_fine_tuned_gain(findings, levers, tested_budget)
        if gain and is_contested(findings, levers, tested_budget):
            numbers = _format_gain(findings, gain)
            return (
                f"{PROXY_CAVEAT[0]}; fine-tuned with {tested_budget:,} labels, the gain is {numbers[0]}",
                f"{PROXY_CAVEAT[1]}；{tested_budget:,} 条标注、微调时，增益为 {numbers[1]}",
            )
    caveat = PROXY_CAVEAT if findings.agreement and not get_fine_tuned_gain(findings, levers, budget) else EMPTY
    if levers == decision.too_costly:
        return f"{caveat[0]}; labels with the same effect cost less", f"{caveat[1]}；但效果相当的标注更省时"
    return caveat


def _bilingual(en: str, zh: str) -> dict[str, str]:
    """Return a sentence in both languages, with spaces between Chinese and Latin characters."""
    han, latin = "[\u4e00-\u9fff]", r"[A-Za-z0-9]"
    return {"en": en, "zh": re.sub(f"(?<={han})(?=[+−]?{latin})|(?<={latin})(?={han})", " ", zh)}


def _join_names(findings: Findings, levers: LeverSet, sign: str = "") -> Texts:
    """Return the names of levers, joined by a sign or in prose; one called like its kind gets the kind's phrase."""
    by_name = findings.plan.params.levers
    phrases = [PHRASES.get(name, (name, name)) if by_name[name].kind == name else (name, name) for name in levers]
    en, zh = ([phrase[language] for phrase in phrases] for language in (0, 1))
    if sign:
        return sign.join(en), sign.join(zh)
    return (
        " and ".join(filter(None, (", ".join(en[:-1]), *en[-1:]))),
        "和".join(filter(None, ("、".join(zh[:-1]), *zh[-1:]))),
    )


def _format_interval(findings: Findings, low: Texts, high: Texts) -> Texts:
    level = f"{100 * findings.confidence_level:g}%"
    return f"{level} CI {low[0]} to {high[0]}", f"{level} 置信区间 {low[1]}至{high[1]}"


def _format_score(
    findings: Findings, reading: Interval, write: Callable[[float], str] = score, *, brackets: bool = True
) -> Texts:
    """Return metric, value and interval."""
    value = f"{metric_name(findings.plan.problem.headline)} {write(reading.value)}"
    en, zh = _format_interval(findings, *((write(end),) * 2 for end in (reading.low, reading.high)))
    return (f"{value} ({en})", f"{value}（{zh}）") if brackets else (f"{value}, {en}", f"{value}，{zh}")


def _format_gain(findings: Findings, gain: Interval, *, brackets: bool = True) -> Texts:
    return _format_score(findings, gain, signed, brackets=brackets)


def _format_labels(findings: Findings, labels: float) -> Texts:
    if np.isfinite(labels):
        return (f"{round(labels, 1):,.0f}",) * 2
    return f"more than {findings.max_budget:,}", f"超过 {findings.max_budget:,}"


def _format_evidence(findings: Findings, labels: LabelCount, gain: Interval) -> Texts:
    """Return the interval of a label count; the gain instead where the whole interval exceeds the largest budget."""
    if np.isfinite(labels.low):
        return _format_interval(findings, *(_format_labels(findings, end) for end in (labels.low, labels.high)))
    return _format_gain(findings, gain, brackets=False)
