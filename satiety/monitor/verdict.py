"""Evidence of a window -> one of three verdicts, and its sentence in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from satiety.report.numbers import metric_name, signed

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.monitor.cost import LabelCost
    from satiety.monitor.permutation_test import Drift

DriftVerdict = Literal["no drift", "drift without harm", "harmful drift"]


@dataclass(frozen=True, slots=True)
class ScoreEvidence:
    """Today's score and its change, from the estimate or from feedback."""

    by: Literal["estimate", "feedback"]
    change: Interval
    """Change of the score."""
    today: Interval
    usual: float
    """Score on the test examples: today − change."""
    sure: float
    """Probability that the score is lower than on the test examples."""


def judge(
    drift: Drift, estimate: ScoreEvidence, feedback: ScoreEvidence | None, harm: float, min_loss_probability: float
) -> tuple[DriftVerdict, ScoreEvidence]:
    """Return the verdict and its evidence; feedback overrides the estimate if its interval excludes ``-harm``.

    Args:
        drift: result of the drift test.
        estimate: evidence without labels.
        feedback: evidence from corrections, if there are enough.
        harm: smallest harmful loss of score.
        min_loss_probability: probability of a loss that harm by the estimate needs.
    """
    if feedback is not None and feedback.change.high < -harm:
        return "harmful drift", feedback  # also without an alarm: the right answers have changed
    if not drift.alarm:
        return "no drift", estimate
    if feedback is not None and feedback.change.low > -harm:
        return "drift without harm", feedback
    is_harmful = estimate.change.value < -harm and estimate.sure >= min_loss_probability
    return ("harmful drift" if is_harmful else "drift without harm"), estimate


def explain_too_few(texts: int, min_texts: int) -> dict[str, str]:
    """Return why there is no verdict, in English and Chinese."""
    noun = "text" if texts == 1 else "texts"
    return {
        "en": f"{texts:,} {noun}; a verdict needs at least {min_texts} (monitor.min_texts)",
        "zh": f"只有 {texts:,} 条文本；至少需要 {min_texts} 条才能得出结论（monitor.min_texts）",
    }


def explain_unmeasured(metric: str) -> dict[str, str]:
    """Return why the cost of a loss in labels is unknown, in English and Chinese."""
    name = metric_name(metric)
    return {
        "en": f"Run `satiety worth` to express the loss in labels: it measures the learning curve of {name}.",
        "zh": f"运行 `satiety worth` 测出 {name} 的学习曲线后，即可将这项损失折算为标注条数。",
    }


HEADS: dict[DriftVerdict, tuple[str, str]] = {
    "no drift": ("No drift", "没有漂移"),
    "drift without harm": ("Drift without harm: the texts have changed", "无害的漂移：文本有变化"),
    "harmful drift": ("Harmful drift", "有害的漂移"),
}


def write_sentence(
    verdict: DriftVerdict,
    metric: str,
    evidence: ScoreEvidence,
    cost: LabelCost | None,
    feedback: ScoreEvidence | None = None,
) -> dict[str, str]:
    """Return the verdict with its evidence, in English and Chinese.

    Args:
        verdict: result of `judge`.
        metric: name of the score.
        evidence: evidence of the verdict.
        cost: cost of the loss in labels.
        feedback: evidence from feedback, mentioned even if it does not decide the verdict.
    """
    (head_en, head_zh), (score_en, score_zh) = HEADS[verdict], _describe_score(metric, evidence)
    en, zh = f"{head_en}; {score_en}", f"{head_zh}；{score_zh}"
    if feedback is not None and evidence.by != "feedback":
        feedback_text = _describe_score(metric, feedback)
        is_loss = feedback.change.high < 0
        en = f"{en} {'A loss, but perhaps not a harmful one' if is_loss else 'Perhaps no loss'}: {feedback_text[0]}"
        zh = f"{zh}{'有损失，但未必有害' if is_loss else '未必有损失'}：{feedback_text[1]}"
    if verdict == "harmful drift" and cost is not None and cost.value:
        ends = f"[{cost.low:,.0f}, {cost.high:,.0f}]"
        en += f" The loss equals the gain from {cost.value:,.0f} of {cost.of:,} labels {ends}."
        zh += f"这项损失相当于 {cost.of:,} 条标注中 {cost.value:,.0f} 条 {ends} 带来的增益。"
    return {"en": en, "zh": zh}


def _describe_score(metric: str, evidence: ScoreEvidence) -> tuple[str, str]:
    """Return today's score, the score on the test examples and their difference, in English and Chinese."""
    metric, change = metric_name(metric), evidence.change
    today = f"{evidence.today.value:.3f} [{evidence.today.low:.3f}, {evidence.today.high:.3f}]"
    difference = f"{signed(change.value)} [{signed(change.low)}, {signed(change.high)}]"
    if evidence.by == "feedback":
        return (
            f"{metric} today is {today} from feedback, {difference} against {evidence.usual:.3f} on test examples with "
            "the same label shares.",
            f"根据反馈，{metric} 今天为 {today}；标签比例相同的测试样例为 {evidence.usual:.3f}，变化 {difference}。",
        )
    return (
        f"{metric} today is about {today}, {difference} against {evidence.usual:.3f} on the test examples.",
        f"{metric} 今天约为 {today}；测试样例为 {evidence.usual:.3f}，变化 {difference}。",
    )
