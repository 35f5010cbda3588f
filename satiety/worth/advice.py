"""Findings and decision -> the sentences of a report, in English and Chinese: headline, next step and evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.report.numbers import metric_name, score, signed
from satiety.report.render import join, write
from satiety.worth.agreement import get_fine_tuned_gain, is_confirmed, is_contested
from satiety.worth.decision import Decision, compute_added_gain, list_effective_sets
from satiety.worth.scores import LeverSet

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.worth.findings import Findings
    from satiety.worth.label_count import LabelCount

Texts = dict[str, str]
"""The same text by language."""
EMPTY: Texts = {"en": "", "zh": ""}
PHRASES = {
    "augment": "lever.augment",
    "pretrain": "lever.pretrain",
    "retrieve": "lever.retrieve",
    "self_training": "lever.self_training",
}
"""Keys of the names in sentences of levers that are called like their kind."""


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
    labels, gain = findings.labels[levers][position], findings.simultaneous_gains[levers][position]
    sentence = _say(
        "advice.winners" if len(levers) > 1 else "advice.winner",
        names=_join_names(findings, levers),
        n=budget,
        labels=_format_labels(findings, labels.value),
        evidence=_format_evidence(findings, labels, gain),
        caveat=_write_caveat(findings, decision, levers, budget),
    )
    return {"lever": "+".join(levers), "budget": budget, **sentence}


def _write_recommendation(findings: Findings, decision: Decision) -> Texts:
    if not decision.has_forecast:
        steps = [_say("advice.label without forecast", n=findings.max_budget)]
    elif decision.recommended:
        steps = [_say("advice.label", n=decision.recommended.extra_labels)]
    else:
        steps = [_say("advice.label none")]
    if decision.keep:
        steps.append(_say("advice.keep", names=_join_names(findings, decision.keep)))
    if decision.dropped:
        steps.append(_say("advice.drop", names=_join_names(findings, decision.dropped)))
    undecided = _list_undecided_sets(findings, decision)
    rest = _say("advice.undecided", names=undecided) if decision.undecided else EMPTY
    return _say("advice.recommendation", steps=join(steps, write("advice.comma")), rest=rest)


def _list_undecided_sets(findings: Findings, decision: Decision) -> Texts:
    """Return the undecided lever sets: a lever may be worth nothing alone, and undecided in a set."""
    kept, sets = {*decision.keep}, list[Texts]()
    for levers in dict.fromkeys(decision.undecided.values()):
        is_added = bool(kept) and kept < {*levers}
        names = _add_names(findings, tuple(name for name in levers if not is_added or name not in kept))
        sets.append(_say("advice.undecided addition", names=names) if is_added else names)
    return join(sets)


def _list_evidence(findings: Findings, decision: Decision) -> Iterator[Texts]:
    budget = findings.max_budget
    position = findings.scores.budgets.index(budget)
    for levers in (candidate for candidate in (decision.keep, decision.too_costly) if candidate):
        gain = _format_gain(findings, findings.simultaneous_gains[levers][position])
        yield _say("advice.gain", names=_join_names(findings, levers), n=budget, gain=gain)
    if decision.too_costly:
        yield _say("advice.too costly", names=_join_names(findings, decision.too_costly))
    if decision.keep and not get_fine_tuned_gain(findings, decision.keep, budget):
        yield _say("advice.not fine-tuned")
    yield from _list_fine_tuned_evidence(findings, decision.keep)
    yield from _list_added_gains(findings, decision.keep)
    if option := decision.recommended:
        score = _format_score(findings, option.score)
        yield _say("advice.option", n=budget + option.extra_labels, score=score, hours=option.hours)
    yield _say("advice.baseline", n=budget, score=_format_baseline(findings))


def _list_fine_tuned_evidence(findings: Findings, keep: LeverSet) -> Iterator[Texts]:
    """Yield the fine-tuned gain of the recommended set, and of sets worth it by proxy or fine-tuning."""
    budget = findings.max_budget
    for levers in list_effective_sets(findings):
        gain = get_fine_tuned_gain(findings, levers, budget)
        is_worth_it = findings.classify(levers, budget) == "worth it" or is_confirmed(findings, levers, budget)
        if gain and (levers == keep or is_worth_it):
            names = _join_names(findings, levers)
            yield _say("advice.fine-tuned", names=names, n=budget, gain=_format_gain(findings, gain))


def _list_added_gains(findings: Findings, keep: LeverSet) -> Iterator[Texts]:
    """Yield the gain of every single lever in addition to the recommended set."""
    names = _join_names(findings, keep)
    for levers in list_effective_sets(findings) if keep else ():
        if len(levers) == len(keep) + 1 and {*keep} < {*levers}:
            added = _join_names(findings, tuple({*levers} - {*keep}))
            gain = _format_gain(findings, compute_added_gain(findings, levers, keep))
            yield _say("advice.added", added=added, names=names, n=findings.max_budget, gain=gain)


def _write_no_winner(findings: Findings, decision: Decision) -> Texts:
    """Return a headline for a study in which no lever set is worth it."""
    budget = findings.max_budget
    if not findings.plan.params.levers:
        return _say("advice.no lever", n=budget, score=_format_baseline(findings))
    gains = {levers: findings.simultaneous_gains[levers][-1] for levers in list_effective_sets(findings)}
    if not gains:
        return _say("advice.no effect")

    levers = max(gains, key=lambda lever_set: gains[lever_set].value)
    caveat = _say("advice.linear head") if findings.agreement else EMPTY
    if decision.undecided:
        caveat = _add_sample_size(findings, decision, gains[levers].value, caveat)
    best = _say(
        "advice.best set" if len(levers) > 1 else "advice.best lever",
        n=budget,
        names=_add_names(findings, levers),
        gain=_format_gain(findings, gains[levers]),
        caveat=caveat,
    )
    return _say("advice.uncertain" if decision.undecided else "advice.not worth it", best=best)


def _add_sample_size(findings: Findings, decision: Decision, gain: float, caveat: Texts) -> Texts:
    """Add to a caveat how many labels would confirm the best gain, if its true size is the measured one."""
    min_effect, sample_size = findings.plan.params.min_effect, decision.sample_size
    if gain < min_effect:
        return _say("advice.too small", caveat=caveat, effect=min_effect)
    if sample_size is None:
        return caveat
    if sample_size.labels is None:
        return _say("advice.never confirmed", caveat=caveat, n=len(findings.plan.test))
    return _say("advice.confirmed at", caveat=caveat, n=sample_size.labels)


def _write_caveat(findings: Findings, decision: Decision, levers: LeverSet, budget: int) -> Texts:
    """Return what limits the headline: a fine-tuned gain that contradicts it, missing fine-tuning, or the cost."""
    for tested_budget in (n for n in findings.scores.budgets if n >= budget):
        gain = get_fine_tuned_gain(findings, levers, tested_budget)
        if gain and is_contested(findings, levers, tested_budget):
            numbers = _format_gain(findings, gain)
            return _say("advice.contested", caveat=_say("advice.linear head"), n=tested_budget, gain=numbers)
    is_proxy = findings.agreement and not get_fine_tuned_gain(findings, levers, budget)
    caveat = _say("advice.linear head") if is_proxy else EMPTY
    return _say("advice.labels cost less", caveat=caveat) if levers == decision.too_costly else caveat


def _say(key: str, **values: object) -> Texts:
    """Return a text in each language, with spaces between Chinese and Latin characters."""
    han, latin, text = "[\u4e00-\u9fff]", r"[A-Za-z0-9]", write(key, **values)
    return text | {"zh": re.sub(f"(?<={han})(?=[+−]?{latin})|(?<={latin})(?={han})", " ", text["zh"])}


def _name_levers(findings: Findings, levers: LeverSet) -> list[Texts]:
    """Return the name of each lever; one that is called like its kind gets the kind's phrase."""
    by_name = findings.plan.params.levers
    return [
        write(PHRASES[name]) if name in PHRASES and by_name[name].kind == name else {"en": name, "zh": name}
        for name in levers
    ]


def _join_names(findings: Findings, levers: LeverSet) -> Texts:
    """Return the names of levers in prose."""
    *first, last = _name_levers(findings, levers) or [EMPTY]
    return join([join(first), last], write("advice.and")) if first else last


def _add_names(findings: Findings, levers: LeverSet) -> Texts:
    """Return the names of levers with plus signs."""
    return join(_name_levers(findings, levers), {"en": " + ", "zh": " + "})


def _format_interval(findings: Findings, low: Texts | str, high: Texts | str) -> Texts:
    return _say("advice.interval", level=f"{100 * findings.confidence_level:g}", low=low, high=high)


def _format_score(
    findings: Findings, reading: Interval, style: Callable[[float], str] = score, *, brackets: bool = True
) -> Texts:
    """Return metric, value and interval."""
    value = f"{metric_name(findings.plan.problem.headline)} {style(reading.value)}"
    interval = _format_interval(findings, style(reading.low), style(reading.high))
    return _say("advice.score in brackets" if brackets else "advice.score", score=value, interval=interval)


def _format_baseline(findings: Findings) -> Texts:
    """Return the baseline's score at the largest budget."""
    return _format_score(findings, findings.scores.curve[-1].interval(findings.confidence_level))


def _format_gain(findings: Findings, gain: Interval, *, brackets: bool = True) -> Texts:
    return _format_score(findings, gain, signed, brackets=brackets)


def _format_labels(findings: Findings, labels: float) -> Texts | str:
    if np.isfinite(labels):
        return f"{round(labels, 1):,.0f}"
    return write("worth.more", n=f"{findings.max_budget:,}")


def _format_evidence(findings: Findings, labels: LabelCount, gain: Interval) -> Texts:
    """Return the interval of a label count; the gain instead where the whole interval exceeds the largest budget."""
    if np.isfinite(labels.low):
        return _format_interval(findings, *(_format_labels(findings, end) for end in (labels.low, labels.high)))
    return _format_gain(findings, gain, brackets=False)
