"""What was measured of a window -> one of three verdicts, and a sentence that says it in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.monitor.cost import LabelCost
    from satiety.monitor.permutation_test import Drift

DriftVerdict = Literal["no drift", "drift without harm", "harmful drift"]


@dataclass(frozen=True, slots=True)
class ScoreEvidence:
    """What a verdict rests on."""

    by: Literal["estimate", "feedback"]
    change: Interval
    """Of the score."""
    today: Interval
    usual: float
    """Score on the test examples that today's is compared with: today less the change."""
    sure: float
    """Chance that the score is lower than on the test examples, in [0, 1]."""


def judge(
    drift: Drift, estimate: ScoreEvidence, feedback: ScoreEvidence | None, harm: float, min_probability: float
) -> tuple[DriftVerdict, ScoreEvidence]:
    """Return the verdict and what it rests on: what people said decides, wherever its whole interval does.

    Args:
        drift: whether the texts, or the answers to them, have changed.
        estimate: made without labels.
        feedback: where there is enough of it.
        harm: loss from which on it is harm.
        min_probability: chance that there is a loss at all, for harm.
    """
    if feedback is not None and feedback.change.high < -harm:
        return "harmful drift", feedback  # of texts that look like the old ones too: their meaning has changed
    if not drift.alarm:
        return "no drift", estimate
    if feedback is not None and feedback.change.low > -harm:
        return "drift without harm", feedback
    is_harmful = estimate.change.value < -harm and estimate.sure >= min_probability
    return ("harmful drift" if is_harmful else "drift without harm"), estimate


def explain_too_few(texts: int, least: int) -> dict[str, str]:
    """Return that there is no verdict, and why, in two languages."""
    are = "text is" if texts == 1 else "texts are"
    return {
        "en": f"{texts:,} {are} too few to say anything; monitor.min_texts is {least}",
        "zh": f"只有 {texts:,} 条文本，不足以判断；monitor.min_texts 是 {least}",
    }


def explain_unmeasured(metric: str) -> dict[str, str]:
    """Return that nobody knows what a loss costs in labels, and what would tell, in two languages."""
    return {
        "en": f"The meter has not measured {metric} here: `satiety worth` would say what the loss costs in labels.",
        "zh": f"计量器在此还没有测过 {metric}：`satiety worth` 会说明这项损失抵多少条标注。",
    }


HEADS: dict[DriftVerdict, tuple[str, str]] = {
    "no drift": ("No drift", "没有漂移"),
    "drift without harm": ("Drift without harm: the texts have changed", "无害的漂移：文本变了"),
    "harmful drift": ("Harmful drift", "有害的漂移"),
}


def write_sentence(
    verdict: DriftVerdict,
    metric: str,
    evidence: ScoreEvidence,
    cost: LabelCost | None,
    feedback: ScoreEvidence | None = None,
) -> dict[str, str]:
    """Return the verdict with its evidence, in two languages.

    Args:
        verdict: what is said.
        metric: whose score.
        evidence: what the verdict rests on.
        cost: of a loss, in labels.
        feedback: where there is some on which the verdict does not rest: it is told all the same.
    """
    heads = HEADS[verdict]
    en, zh = (
        f"{head}{mark}{_describe_score(metric, evidence)[i]}"
        for i, (head, mark) in enumerate(zip(heads, ("; ", "；"), strict=True))
    )
    if feedback is not None and evidence.by != "feedback":
        feedback_text = _describe_score(metric, feedback)
        is_loss = feedback.change.high < 0
        en = f"{en} {'A loss, but not surely a harmful one' if is_loss else 'Not sure of a loss'}: {feedback_text[0]}"
        zh = f"{zh}{'有损失，但尚不能确定有害' if is_loss else '尚不能确定有损失'}：{feedback_text[1]}"
    if verdict == "harmful drift" and cost is not None and cost.value:
        ends = f"[{cost.low:,.0f}, {cost.high:,.0f}]"
        en += f" That undoes {cost.value:,.0f} of {cost.of:,} labels {ends}."
        zh += f"这抵消了 {cost.of:,} 条标注中的 {cost.value:,.0f} 条 {ends}。"
    return {"en": en, "zh": zh}


def _describe_score(metric: str, evidence: ScoreEvidence) -> tuple[str, str]:
    """Return today's score beside that on the test examples, and their difference, in two languages."""
    today = f"{evidence.today.value:.3f} [{evidence.today.low:.3f}, {evidence.today.high:.3f}]"
    change = f"{evidence.change.value:+.3f} [{evidence.change.low:+.3f}, {evidence.change.high:+.3f}]"
    if evidence.by == "feedback":
        return (
            f"{metric} today is {today} by feedback, {change} against {evidence.usual:.3f} on test examples with the "
            "same shares of labels.",
            f"据反馈 {metric} 今天为 {today}，标签份额相同的测试样例为 {evidence.usual:.3f}，变化 {change}。",
        )
    return (
        f"{metric} today is about {today}, {change} against {evidence.usual:.3f} on the test examples.",
        f"{metric} 今天约为 {today}，测试样例为 {evidence.usual:.3f}，变化 {change}。",
    )
