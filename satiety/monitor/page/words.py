"""Every wording of the page, English and Chinese side by side, so that neither is forgotten. ``{}`` takes a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from satiety.worth.page.markup import Html, join, tag

Language = Literal["en", "zh"]
LANGUAGES = ("en", "zh")

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Has the world moved?", "世界变了吗？"),
    "eyebrow": ("Satiety · monitor · {metric}", "Satiety · 监测 · {metric}"),
    "when": (
        "{texts:,} texts, from {since} to {until}, against {reference:,} test examples",
        "{texts:,} 条文本，从 {since} 到 {until}，对照 {reference:,} 条测试样例",
    ),
    "what": (
        "{texts:,} texts of {source} against {reference:,} test examples",
        "{source} 的 {texts:,} 条文本，对照 {reference:,} 条测试样例",
    ),
    "footer": ("Texts are shown with personal data masked.", "文本中的个人信息已遮盖。"),
    # The score.
    "estimate": ("The score, without labels", "没有标注时的得分"),
    "usual": ("on the test examples", "在测试样例上"),
    "today": ("today, estimated", "今天，估计"),
    "said": ("today, by feedback", "今天，据反馈"),
    "harm line": ("harm begins at {value:.3f}", "从 {value:.3f} 起算有害"),
    "figure": (
        "{metric} is {usual} on the test examples, and about {today} today; harm begins at {harm:.3f}.",
        "{metric} 在测试样例上是 {usual}，今天约为 {today}；从 {harm:.3f} 起算有害。",
    ),
    "error": (
        "What the model believes, set right by {metric} in rehearsed shifts of the test examples; there it errs by "
        "{error:.3f} on average. "
        "It cannot see texts that look as before but mean something else: only feedback can.",
        "模型自己的把握，再由测试样例的演练偏移校正；演练中估计平均差 {error:.3f}。"
        "看起来照旧而意思已变的文本它看不出来，只有反馈可以。",
    ),
    "labels cost": (
        "The loss undoes {value:,.0f} [{low:,.0f}, {high:,.0f}] of {of:,} labels.",
        "这项损失抵消了 {of:,} 条标注中的 {value:,.0f} 条 [{low:,.0f}, {high:,.0f}]。",
    ),
    # Feedback.
    "feedback": ("What people said", "人们的反馈"),
    "no feedback": (
        "Too few answers were spoken of; `satiety feedback ID LABEL` says what an answer should have been, "
        "right ones too.",
        "有反馈的回答太少；`satiety feedback ID LABEL` 说明正确答案，答对的也要说。",
    ),
    "by feedback": (
        "{answers:,} answers: {metric} {score}, {change} against the test examples. The model is surer than it is "
        "right by {over}.",
        "{answers:,} 个回答：{metric} {score}，相对测试样例 {change}。模型的自信超出其正确率 {over}。",
    ),
    # The tests.
    "tests": ("What has moved", "什么变了"),
    "tests caption": (
        "{count} tests, judged together: p = {p:.3f}; of windows like the test examples {alpha:.0%} raise the alarm",
        "{count} 项检验合并判断：p = {p:.3f}；与测试样例相同的窗口有 {alpha:.0%} 会误报",
    ),
    "test": ("test", "检验"),
    "mmd": ("meaning (MMD on embeddings)", "含义（嵌入的 MMD）"),
    "softmax": ("the model's probabilities (KS)", "模型的概率（KS）"),
    "answers": ("answers", "回答"),
    "length": ("length", "长度"),
    "strangeness": ("distance from the training texts", "与训练文本的距离"),
    "vocabulary": ("words", "词汇"),
    "difference": ("difference", "差异"),
    "threshold": ("threshold", "阈值"),
    "p": ("p", "p"),
    "verdict": ("verdict", "判断"),
    "moved": ("▲ moved", "▲ 变了"),
    "same": ("○ as before", "○ 照旧"),
    "outside": (
        "{share:.0%} [{low:.0%}, {high:.0%}] of the texts are stranger than all but {alpha:.0%} of the test examples.",
        "{share:.0%} [{low:.0%}, {high:.0%}] 的文本比测试样例中最陌生的 {alpha:.0%} 还要陌生。",
    ),
    # Labels.
    "labels": ("Shares of the labels", "各标签的份额"),
    "labels caption": (
        "Share of each label, if nothing but these shares has moved (BBSE)",
        "各标签的份额，假定变的只有份额（BBSE）",
    ),
    "shares fail": (
        "More than the shares has moved: texts of one label are not what they were{p}. "
        "So these shares are not reliable.",
        "变的不只是份额：同一标签的文本也与以前不同{p}。因此这些份额不可靠。",
    ),
    "label": ("label", "标签"),
    "before": ("test examples", "测试样例"),
    "now": ("today", "今天"),
    "no labels": ("The model labels spans, not texts.", "模型标注的是片段，不是整条文本。"),
    # What is new.
    "news": ("What is new", "新出现了什么"),
    "terms caption": ("Words that more texts have now", "如今更多文本里出现的词"),
    "word": ("word", "词"),
    "example": ("for example", "例如"),
    "no terms": ("No word is surely more frequent.", "没有哪个词确实变多了。"),
    "clusters": ("Groups of texts that have grown", "变多的文本群"),
    "cluster": (
        "{window:.0%} of the texts, before {reference:.0%}: {terms}",
        "占文本的 {window:.0%}，以前 {reference:.0%}：{terms}",
    ),
    "no mark": ("no word marks them off", "没有特有的词"),
    "strangest": ("The strangest texts", "最陌生的文本"),
    "method": ("How it was measured", "如何测量"),
    "how": (
        "Every test compares the window with {texts:,} test examples; its share of false alarms, {alpha:.0%}, is "
        "exact: read off random divisions of both together. Drift is harmful from a loss of {harm} on. "
        "Intervals: {level:.0%}. "
        "docs/monitor.md has the method, and how often it was right.",
        "每项检验都把窗口与 {texts:,} 条测试样例比较，误报率 {alpha:.0%}，由两者合并后的随机划分精确得出。"
        "损失从 {harm} 起算有害。区间：{level:.0%}。方法及其准确程度见 docs/monitor.md。",
    ),
}


def moment(time: str) -> str:
    """Return a time in ISO 8601 as people read it, to the minute."""
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def coded(wording: str) -> Html:
    """Return a wording as markup, in which what stands between backticks is code."""
    parts = wording.split("`")
    return join(tag("code", part) if place % 2 else part for place, part in enumerate(parts))


@dataclass(frozen=True, slots=True)
class Say:
    """Says words and numbers in a language."""

    language: Language

    def __call__(self, key: str, values: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """Return a wording with its values in place."""
        return WORDS[key][LANGUAGES.index(self.language)].format(**{**(values or {}), **more})

    def score(self, one: Mapping[str, float]) -> str:
        """Say a score and its interval."""
        return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"

    def change(self, one: Mapping[str, float]) -> str:
        """Say a difference and its interval."""
        return "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**one).replace("-", "−")

    def share(self, one: Mapping[str, float]) -> str:
        """Say a share and its interval."""
        return f"{one['value']:.1%} [{one['low']:.1%}, {one['high']:.1%}]"
