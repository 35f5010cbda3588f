"""Every wording of the page, English and Chinese side by side. ``{}`` takes a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Language = Literal["en", "zh"]
LANGUAGES = ("en", "zh")
SIGNS = {
    "no drift": "·",
    "drift without harm": "○",
    "harmful drift": "▼",
    "promoted": "▲",
    "kept": "✕",
    "refused": "✕",
    "none": "–",
}

WORDS: dict[str, tuple[str, str]] = {
    "title": ("A year with Satiety, and without", "有 Satiety 的一年，与没有它的一年"),
    "eyebrow": ("Satiety · a year · {metric}", "Satiety · 一年 · {metric}"),
    "headline": (
        "In the last month the score is {champion:.3f}; without Satiety it would be {first:.3f}",
        "最后一个月得分为 {champion:.3f}；没有 Satiety 则为 {first:.3f}",
    ),
    "lead": (
        "{promoted} of {retrained} challengers were promoted. Monitoring, which knew no label, was off by {error:.3f} "
        "on average; {held} of {months} intervals held the truth.",
        "{retrained} 个挑战者中有 {promoted} 个上任。监测不看标注，平均差 {error:.3f}；"
        "{months} 个区间中有 {held} 个含真值。",
    ),
    "figure": ("The score over the months", "逐月得分"),
    "says": (
        "{metric}, month 1 to {months}: with Satiety from {a:.3f} to {b:.3f}, without from {c:.3f} to {d:.3f}. "
        "The table below has every number.",
        "{metric}，第 1 至 {months} 个月：有 Satiety 从 {a:.3f} 到 {b:.3f}，没有则从 {c:.3f} 到 {d:.3f}。数字见下表。",
    ),
    "with": ("with Satiety", "有 Satiety"),
    "without": ("without", "没有"),
    "estimate": ("estimated without labels, with its interval", "不看标注的估计及其区间"),
    "month": ("month", "月份"),
    "monitor": ("monitor", "监测"),
    "retraining": ("retraining", "重训"),
    "opening": ("every text begins alike", "每条文本开头相同"),
    "labels": ("other shares of the labels", "标签份额改变"),
    "vocabulary": ("new words", "新词"),
    "no drift": ("no drift", "无漂移"),
    "drift without harm": ("drift without harm", "无害漂移"),
    "harmful drift": ("harmful drift", "有害漂移"),
    "promoted": ("promoted", "上任"),
    "kept": ("refused: the champion stays", "未通过：冠军留任"),
    "refused": ("refused: no better than no training", "未通过：不胜于不训练"),
    "none": ("not worth it", "不值得"),
    "table": ("Month by month", "逐月"),
    "world": ("planted", "所设变化"),
    "verdict": ("verdict", "判断"),
    "told": ("estimate", "估计"),
    "why": ("why", "理由"),
    "read": (
        "Both lines are true scores on {judged:,} further texts of each month's world, all labels known. Of the "
        "{texts:,} texts that were asked, {drawn}, drawn at random, were labelled; nobody else told a label.",
        "两条线是在各月另外 {judged:,} 条文本（标签全知）上的真实得分。"
        "所问的 {texts:,} 条中，随机抽取的 {drawn} 条得到标注，此外没有任何标注。",
    ),
    "footer": ("docs/year.md says what was planted and how to read it.", "设了什么、如何读图，见 docs/year.md。"),
}


@dataclass(frozen=True, slots=True)
class Say:
    """Says words and numbers in a language."""

    language: Language

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return a wording with its values in place."""
        return WORDS[key][LANGUAGES.index(self.language)].format(**values)

    def score(self, one: Mapping[str, float]) -> str:
        """Say a score and its interval."""
        return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"

    def planted(self, month: Mapping[str, Any]) -> str:
        """Say what was planted in a month."""
        world = month["world"]
        share = f" ({world['renamed']:.0%})" if world["renamed"] else ""
        return ", ".join(self(kind) + (share if kind == "vocabulary" else "") for kind in world["planted"]) or "–"
