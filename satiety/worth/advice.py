"""A decision -> the next step as a report tells it: one sentence, with its evidence, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from satiety.evaluate.bootstrap import Interval
from satiety.worth.confirmed import proved, tuned
from satiety.worth.decision import Decision, Option, acting, added
from satiety.worth.scores import LeverSet

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def advise(found: Findings, decision: Decision) -> dict[str, Any]:
    """Return the next step, with its evidence and the front it was chosen from."""
    more = decision.chosen.more if decision.chosen else 0
    return {
        "sentence": {"en": _english(found, decision), "zh": _chinese(found, decision)},
        "more": more if decision.foretold else found.top,
        "keep": list(decision.keep),
        "off": list(decision.off),
        "undecided": list(decision.undecided),
        "evidence": list(_evidence(found, decision)),
        "sure_at": decision.enough and {"levers": list(decision.enough.levers), "labels": decision.enough.labels},
        "front": [_row(found, one, chosen=one == decision.chosen) for one in decision.front],
    }


def _english(found: Findings, decision: Decision) -> str:
    n, chosen, names = found.top, decision.chosen, ", ".join
    known = f"label {chosen.more} more" if chosen else "label no more (it would add too little)"
    unknown = f"label {n} more: what {n} teach does not yet beat label names alone, so nothing can be foretold"
    parts = [known if decision.foretold else unknown]
    parts += [f"keep {' and '.join(decision.keep)}"] if decision.keep else []
    parts += [f"leave {names(decision.off)} off"] if decision.off else []
    parts += [f"{names(decision.undecided)} not decided yet"] if decision.undecided else []
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _chinese(found: Findings, decision: Decision) -> str:
    n, chosen, names = found.top, decision.chosen, "、".join
    known = f"再标注 {chosen.more} 条" if chosen else "不必再标注（收益太小）"
    unknown = f"再标注 {n} 条：{n} 条标注学到的还不如只靠标签名称作答，因此还无法预测"
    parts = [known if decision.foretold else unknown]
    parts += [f"保留 {names(decision.keep)}"] if decision.keep else []
    parts += [f"关闭 {names(decision.off)}"] if decision.off else []
    parts += [f"{names(decision.undecided)} 尚无定论"] if decision.undecided else []
    return f"{'；'.join(parts)}。"


def _evidence(found: Findings, decision: Decision) -> Iterator[dict[str, str]]:
    place, metric, n = found.scores.budgets.index(found.top), found.plan.problem.headline, found.top
    for levers in (one for one in (decision.keep, decision.dear) if one):
        names, gained = " + ".join(levers), _signed(found.together[levers][place])
        yield {"en": f"{names} at {n} labels: {gained} {metric}", "zh": f"{n} 条标注时 {names}：{metric} {gained}"}
    if decision.dear:
        names = " + ".join(decision.dear)
        yield {
            "en": f"{names} costs more hours than labels that do as much, so it is left off",
            "zh": f"{names} 比效果相当的标注更费时，因此关闭",
        }
    if decision.keep and not tuned(found, decision.keep, n):
        yield {
            "en": "this is a linear head's gain; whether fine-tuning has it too, worth.full.chains: 8 would say",
            "zh": "这是线性头的增益；微调是否也有，用 worth.full.chains: 8 可以知道",
        }
    yield from _fine_tuned(found, decision.keep)
    yield from _joining(found, decision.keep)
    if decision.chosen:
        labels, score, hours = n + decision.chosen.more, _plain(decision.chosen.score), f"{decision.chosen.hours:.1f}"
        yield {
            "en": f"{labels} labels: {metric} {score}, for {hours} hours",
            "zh": f"{labels} 条标注：{metric} {score}，费时 {hours} 小时",
        }
    now = _plain(found.scores.curve[place].interval(found.level))
    yield {"en": f"plain at {n} labels: {metric} {now}", "zh": f"{n} 条标注、不用杠杆：{metric} {now}"}


def _fine_tuned(found: Findings, keep: LeverSet) -> Iterator[dict[str, str]]:
    """Yield what fine-tuning says of what is kept, and of all that either depth takes for worth it."""
    for levers in acting(found):
        gained, worth = tuned(found, levers, found.top), found.says(levers, found.top) == "worth it"
        if gained and (levers == keep or worth or proved(found, levers, found.top)):
            names, numbers, metric = " + ".join(levers), _signed(gained), found.plan.problem.headline
            yield {
                "en": f"{names} at {found.top} labels, fine-tuned for real: {numbers} {metric}",
                "zh": f"{found.top} 条标注、真正微调时 {names}：{metric} {numbers}",
            }


def _joining(found: Findings, keep: LeverSet) -> Iterator[dict[str, str]]:
    """Yield what further levers add to those that are kept."""
    for levers in acting(found) if keep else ():
        if len(levers) == len(keep) + 1 and {*keep} < {*levers}:
            (name,), numbers = {*levers} - {*keep}, _signed(added(found, levers, keep))
            names, metric = " + ".join(keep), found.plan.problem.headline
            yield {
                "en": f"{name} added to {names} at {found.top} labels: {numbers} {metric}",
                "zh": f"{found.top} 条标注时，在 {names} 之上再加 {name}：{metric} {numbers}",
            }


def _signed(one: Interval) -> str:
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _plain(one: Interval) -> str:
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _row(found: Findings, one: Option, *, chosen: bool) -> dict[str, Any]:
    return {
        "labels": found.top + one.more,
        "levers": list(one.levers),
        "score": one.score.rounded(),
        "hours": round(one.hours, 2),
        "chosen": chosen,
    }
