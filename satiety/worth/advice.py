"""Findings -> what to do next: what more labels and levers would give and cost, and one sentence, with its evidence.

Options are compared by score and by cost in hours of a person's time; the Pareto front is what no other option beats in
both. The score of more labels is the curve's forecast; a lever set adds to it what it gained at the largest budget,
which is as far as anybody has measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval
from satiety.worth.resample import Drawn
from satiety.worth.scores import PLAIN, LeverSet, gain
from satiety.worth.study import sets

if TYPE_CHECKING:
    from satiety.worth.findings import Findings

STEPS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Further labels that are thought of, as shares of those there are; the curve is drawn no further."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something one could do."""

    more: int
    """Labels beyond those there are."""
    levers: LeverSet
    score: Interval
    hours: float
    """Of a person's time; computing is converted into it."""


def advise(found: Findings) -> dict[str, Any]:
    """Return the next step, with its evidence and the front it was chosen from."""
    if found.untaught(found.top):
        return _untaught(found)
    best = keep(found)
    options = _options(found, best)
    front = _front(options)
    if not any(one.levers == best and not one.more for one in front):  # dearer than the labels that do as much
        best, front = PLAIN, [one for one in front if not one.levers]
    now = next(one.score.value for one in options if one.levers == best and not one.more)
    chosen = _chosen(found, [one for one in front if one.levers == best], now)
    names = [lever.kind for lever in found.plan.params.levers]
    rest = [name for name in names if name not in best]
    open_ = [name for name in rest if found.says((name,), found.top) == "inconclusive"]
    off = [name for name in rest if name not in open_]
    return {
        "sentence": {"en": _english(chosen, best, off, open_), "zh": _chinese(chosen, best, off, open_)},
        "more": chosen.more if chosen else 0,
        "keep": list(best),
        "off": off,
        "undecided": open_,
        "evidence": list(_evidence(found, best, chosen)),
        "front": [_row(found, one, chosen=one == chosen) for one in front],
    }


def _untaught(found: Findings) -> dict[str, Any]:
    """Return the next step where no number of labels measured beats answering by label names: nothing is known yet."""
    n, names = found.top, [lever.kind for lever in found.plan.params.levers]
    return {
        "sentence": {
            "en": f"Label {n} more: what {n} teach does not yet beat answering by label names alone, "
            "so nothing can be foretold.",
            "zh": f"再标注 {n} 条：{n} 条标注学到的还不如只靠标签名称作答，因此还无法预测。",
        },
        "more": n,
        "keep": [],
        "off": [],
        "undecided": names,
        "evidence": list(_evidence(found, PLAIN, None)),
        "front": [],
    }


def keep(found: Findings) -> LeverSet:
    """Return the lever set worth it at the largest budget whose gain is the surest; plain where there is none.

    Where fine-tuning for real measured it too, it must gain there as well, surely or not.
    """
    place = found.scores.budgets.index(found.top)
    worth = [one for one in sets(found.plan.params) if one and found.says(one, found.top) == "worth it"]
    worth = [one for one in worth if not refuted(found, one, found.top)]
    return max(worth, key=lambda one: found.gains[one][place].low, default=PLAIN)


def tuned(found: Findings, levers: LeverSet, budget: int) -> Mapping[str, float] | None:
    """Return what a lever set gains at a budget by fine-tuning, where that was measured."""
    rows: Sequence[Any] = found.agreement["compared"] if found.agreement else ()
    here = (one["full"] for one in rows if one["lever"] == "+".join(levers) and one["budget"] == budget)
    return next(here, None)


def refuted(found: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning was measured and does not gain."""
    gained = tuned(found, levers, budget)
    return gained is not None and gained["value"] <= 0


def _options(found: Findings, best: LeverSet) -> list[Option]:
    sets_ = dict.fromkeys((PLAIN, best))
    return [_option(found, round(share * found.top), levers) for share in STEPS for levers in sets_]


def _option(found: Findings, more: int, levers: LeverSet) -> Option:
    cost, score = found.plan.params.cost, found.curve.at(found.top + more)
    if levers:
        added = gain(found.scores, levers)[found.scores.budgets.index(found.top)]
        score = Drawn(np.clip(score.rows + added.rows, 0, 1))
    seconds = [o.seconds for c, o in found.course.outcomes.items() if c.levers == levers and c.budget == found.top]
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


def _english(chosen: Option | None, best: LeverSet, off: Sequence[str], open_: Sequence[str]) -> str:
    parts = [f"label {chosen.more} more" if chosen else "label no more: it would add too little"]
    parts += [f"keep {' and '.join(best)}"] if best else []
    parts += [f"leave {' and '.join(off)} off"] if off else []
    parts += [f"{' and '.join(open_)} not decided yet"] if open_ else []
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _chinese(chosen: Option | None, best: LeverSet, off: Sequence[str], open_: Sequence[str]) -> str:
    parts = [f"再标注 {chosen.more} 条" if chosen else "不必再标注：收益太小"]
    parts += [f"保留 {'、'.join(best)}"] if best else []
    parts += [f"关闭 {'、'.join(off)}"] if off else []
    parts += [f"{'、'.join(open_)} 尚无定论"] if open_ else []
    return f"{'，'.join(parts)}。"


def _evidence(found: Findings, best: LeverSet, chosen: Option | None) -> Iterator[dict[str, str]]:
    place, metric = found.scores.budgets.index(found.top), found.plan.problem.headline
    if best:
        names, added = " + ".join(best), _signed(found.gains[best][place])
        yield {
            "en": f"{names} at {found.top} labels: {added} {metric}",
            "zh": f"{found.top} 条标注时 {names}：{metric} {added}",
        }
        if not tuned(found, best, found.top):
            yield {
                "en": "this is a linear head's gain; whether fine-tuning has it too, worth.full.chains: 8 would say",
                "zh": "这是线性头的增益；微调是否也有，用 worth.full.chains: 8 可以知道",
            }
    for levers in sets(found.plan.params):
        gained = tuned(found, levers, found.top)
        if gained and (levers == best or found.says(levers, found.top) == "worth it"):
            names, added = " + ".join(levers), _signed(Interval(**gained))
            yield {
                "en": f"{names} at {found.top} labels, fine-tuned for real: {added} {metric}",
                "zh": f"{found.top} 条标注、真正微调时 {names}：{metric} {added}",
            }
    if chosen:
        labels, score, hours = found.top + chosen.more, _plain(chosen.score), f"{chosen.hours:.1f}"
        yield {
            "en": f"{labels} labels: {metric} {score}, for {hours} hours",
            "zh": f"{labels} 条标注：{metric} {score}，费时 {hours} 小时",
        }
    now = _plain(found.scores.curve[place].interval(found.level))
    yield {"en": f"plain at {found.top} labels: {metric} {now}", "zh": f"{found.top} 条标注、不用杠杆：{metric} {now}"}


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
