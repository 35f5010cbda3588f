"""Evidence of a window -> one of three verdicts, and its sentence in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from satiety.report.numbers import metric_name, signed
from satiety.report.render import write

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.monitor.cost import LabelCost
    from satiety.monitor.permutation_test import Drift

DriftVerdict = Literal["no drift", "drift without harm", "harmful drift"]
HEADS: dict[DriftVerdict, str] = {
    "no drift": "verdict.no drift",
    "drift without harm": "verdict.drift without harm",
    "harmful drift": "verdict.harmful drift",
}
"""Key of the sentence of each verdict."""


@dataclass(frozen=True, slots=True)
class ScoreEvidence:
    """Today's score and its change, from the estimate or from feedback."""

    source: Literal["estimate", "feedback"]
    change: Interval
    """Change of the score."""
    today: Interval
    usual: float
    """Score on the test examples: today − change."""
    loss_probability: float
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
    is_harmful = estimate.change.value < -harm and estimate.loss_probability >= min_loss_probability
    return ("harmful drift" if is_harmful else "drift without harm"), estimate


def explain_too_few(texts: int, min_texts: int) -> dict[str, str]:
    """Return why there is no verdict, in English and Chinese."""
    return write("verdict.one text" if texts == 1 else "verdict.too few texts", n=texts, least=min_texts)


def explain_unmeasured(metric: str) -> dict[str, str]:
    """Return why the cost of a loss in labels is unknown, in English and Chinese."""
    return write("verdict.unmeasured", metric=metric_name(metric))


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
    sentence = write(HEADS[verdict], score=_describe_score(metric, evidence))
    if feedback is not None and evidence.source != "feedback":
        key = "verdict.perhaps harmless" if feedback.change.high < 0 else "verdict.perhaps no loss"
        sentence = write(key, sentence=sentence, feedback=_describe_score(metric, feedback))
    if verdict == "harmful drift" and cost is not None and cost.value:
        ends = {"low": cost.low, "high": cost.high}
        sentence = write("verdict.cost", sentence=sentence, value=cost.value, of=cost.total, **ends)
    return sentence


def _describe_score(metric: str, evidence: ScoreEvidence) -> dict[str, str]:
    """Return today's score, the score on the test examples and their difference, in English and Chinese."""
    today, change = evidence.today, evidence.change
    return write(
        "verdict.feedback" if evidence.source == "feedback" else "verdict.estimate",
        metric=metric_name(metric),
        today=f"{today.value:.3f} [{today.low:.3f}, {today.high:.3f}]",
        change=f"{signed(change.value)} [{signed(change.low)}, {signed(change.high)}]",
        usual=evidence.usual,
    )
