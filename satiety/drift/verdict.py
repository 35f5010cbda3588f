"""What was measured of a window -> one of three verdicts, and a sentence that says it in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from satiety.drift.cost import Cost
    from satiety.drift.testing import Drift
    from satiety.evaluate.bootstrap import Interval

Verdict = Literal["no drift", "drift without harm", "harmful drift"]


def judge(drift: Drift, change: Interval, known: Interval | None, harm: float) -> Verdict:
    """Return the verdict: what people said of the answers counts before what is estimated without them.

    Args:
        drift: whether the texts, or the answers to them, have changed.
        change: of the score, estimated.
        known: of the score, where feedback tells it.
        harm: loss from which on it is harm.
    """
    if known is not None and known.high < -harm:
        return "harmful drift"  # of texts that look like the old ones too: their meaning has changed
    if not drift.alarm:
        return "no drift"
    if known is not None and known.low > -harm:
        return "drift without harm"
    return "harmful drift" if change.value < -harm else "drift without harm"


def sentence(verdict: Verdict, metric: str, today: Interval, change: Interval, cost: Cost | None) -> dict[str, str]:
    """Return the verdict with its evidence, in two languages."""
    score = f"{today.value:.3f} [{today.low:.3f}, {today.high:.3f}]"
    moved = f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
    en, zh = {
        "no drift": (f"No drift: {metric} today about {score}.", f"没有漂移：{metric} 今天约为 {score}。"),
        "drift without harm": (
            f"Drift without harm: the texts have changed, {metric} today about {score}, {moved}.",
            f"无害的漂移：文本变了，{metric} 今天约为 {score}，变化 {moved}。",
        ),
        "harmful drift": (
            f"Harmful drift: {metric} today about {score}, {moved}.",
            f"有害的漂移：{metric} 今天约为 {score}，变化 {moved}。",
        ),
    }[verdict]
    if verdict == "harmful drift" and cost is not None and cost.value:
        ends = f"[{cost.low:,.0f}, {cost.high:,.0f}]"
        en += f" That undoes {cost.value:,.0f} of {cost.of:,} labels {ends}."
        zh += f"这抵消了 {cost.of:,} 条标注中的 {cost.value:,.0f} 条 {ends}。"
    return {"en": en, "zh": zh}
