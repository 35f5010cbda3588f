"""What was measured of a window -> one of three verdicts, and a sentence that says it in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from satiety.drift.cost import Cost
    from satiety.drift.testing import Drift
    from satiety.evaluate.bootstrap import Interval

Verdict = Literal["no drift", "drift without harm", "harmful drift"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a verdict rests on."""

    by: Literal["estimate", "feedback"]
    change: Interval
    """Of the score."""
    today: Interval
    usual: float
    """Score on the test examples that today's is compared with: today less the change."""
    sure: float
    """Chance that the score is lower than on the test examples, in [0, 1]."""


def judge(drift: Drift, estimate: Ground, feedback: Ground | None, harm: float, sure: float) -> tuple[Verdict, Ground]:
    """Return the verdict and what it rests on: what people said decides, wherever its whole interval does.

    Args:
        drift: whether the texts, or the answers to them, have changed.
        estimate: made without labels.
        feedback: where there is enough of it.
        harm: loss from which on it is harm.
        sure: chance that there is a loss at all, for harm.
    """
    if feedback is not None and feedback.change.high < -harm:
        return "harmful drift", feedback  # of texts that look like the old ones too: their meaning has changed
    if not drift.alarm:
        return "no drift", estimate
    if feedback is not None and feedback.change.low > -harm:
        return "drift without harm", feedback
    lost = estimate.change.value < -harm and estimate.sure >= sure
    return ("harmful drift" if lost else "drift without harm"), estimate


def too_few(texts: int, least: int) -> dict[str, str]:
    """Return that there is no verdict, and why, in two languages."""
    are = "text is" if texts == 1 else "texts are"
    return {
        "en": f"{texts:,} {are} too few to say anything; monitor.least is {least}",
        "zh": f"只有 {texts:,} 条文本，不足以判断；monitor.least 是 {least}",
    }


def unmetered(metric: str) -> dict[str, str]:
    """Return that nobody knows what a loss costs in labels, and what would tell, in two languages."""
    return {
        "en": f"The meter has not measured {metric} here: `satiety worth` would say what the loss costs in labels.",
        "zh": f"计量器在此还没有测过 {metric}：`satiety worth` 会说明这项损失抵多少条标注。",
    }


HEADS: dict[Verdict, tuple[str, str]] = {
    "no drift": ("No drift", "没有漂移"),
    "drift without harm": ("Drift without harm: the texts have changed", "无害的漂移：文本变了"),
    "harmful drift": ("Harmful drift", "有害的漂移"),
}


def sentence(
    verdict: Verdict, metric: str, ground: Ground, cost: Cost | None, feedback: Ground | None = None
) -> dict[str, str]:
    """Return the verdict with its evidence, in two languages.

    Args:
        verdict: what is said.
        metric: whose score.
        ground: what the verdict rests on.
        cost: of a loss, in labels.
        feedback: where there is some on which the verdict does not rest: it is told all the same.
    """
    heads = HEADS[verdict]
    en, zh = (
        f"{head}{mark}{_score(metric, ground)[i]}"
        for i, (head, mark) in enumerate(zip(heads, ("; ", "；"), strict=True))
    )
    if feedback is not None and ground.by != "feedback":
        aside = _score(metric, feedback)
        lost = feedback.change.high < 0
        en = f"{en} {'A loss, but not surely a harmful one' if lost else 'Not sure of a loss'}: {aside[0]}"
        zh = f"{zh}{'有损失，但尚不能确定有害' if lost else '尚不能确定有损失'}：{aside[1]}"
    if verdict == "harmful drift" and cost is not None and cost.value:
        ends = f"[{cost.low:,.0f}, {cost.high:,.0f}]"
        en += f" That undoes {cost.value:,.0f} of {cost.of:,} labels {ends}."
        zh += f"这抵消了 {cost.of:,} 条标注中的 {cost.value:,.0f} 条 {ends}。"
    return {"en": en, "zh": zh}


def _score(metric: str, ground: Ground) -> tuple[str, str]:
    """Return today's score beside that on the test examples, and their difference, in two languages."""
    today = f"{ground.today.value:.3f} [{ground.today.low:.3f}, {ground.today.high:.3f}]"
    change = f"{ground.change.value:+.3f} [{ground.change.low:+.3f}, {ground.change.high:+.3f}]"
    if ground.by == "feedback":
        return (
            f"{metric} today is {today} by feedback, {change} against {ground.usual:.3f} on test examples with the "
            "same shares of labels.",
            f"据反馈 {metric} 今天为 {today}，标签份额相同的测试样例为 {ground.usual:.3f}，变化 {change}。",
        )
    return (
        f"{metric} today is about {today}, {change} against {ground.usual:.3f} on the test examples.",
        f"{metric} 今天约为 {today}，测试样例为 {ground.usual:.3f}，变化 {change}。",
    )
