"""Every wording of the page, English and Chinese side by side, so that neither is forgotten. ``{}`` takes a value."""

from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SIGNS = {"surge": "▲", "more traffic": "○", "as expected": "·", "too little history": "–"}
"""Of each verdict; the charts mark the same shapes, so that none is told by colour alone."""

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Opinion, live", "舆情实况"),
    "eyebrow": (
        "Satiety · opinion on {n} topics · windows of {minutes} minutes",
        "Satiety · {n} 个主题的舆情 · 每窗 {minutes} 分钟",
    ),
    "surging": ("Negative opinion surges: {topics}", "负面意见激增：{topics}"),
    "calm": ("No surge of negative opinion now", "目前没有负面意见激增"),
    "learning": ("Too little history to judge yet", "历史太短，尚不能判断"),
    "empty": ("No window has ended yet", "尚无已结束的时间窗"),
    "rate": (
        "False alarms: at most {rate} in 1,000 windows, all topics together.",
        "误报：所有主题合计，每 1,000 个窗最多 {rate} 次。",
    ),
    "until": (
        "The last window began {time}; times are those of {zone}",
        "上一个时间窗始于 {time}；时间均按 {zone} 时区",
    ),
    "pause": ("Pause", "暂停"),
    "lost": ("The page no longer gets new windows.", "页面已收不到新的时间窗。"),
    "comma": (", ", "、"),
    "topics": ("By topic", "各主题"),
    "alerts": ("Alerts", "警报"),
    "now": ("The last window", "上一个时间窗"),
    "none": ("None in the windows shown.", "所示时间窗内没有。"),
    "negative": ("negative texts", "负面文本"),
    "share": ("share of negative, {n} windows each, {level} interval", "负面占比，每 {n} 窗一点，{level} 区间"),
    "volume": ("all texts", "全部文本"),
    "surge": ("surge", "激增"),
    "more traffic": ("more traffic", "流量增加"),
    "as expected": ("as expected", "符合预期"),
    "too little history": ("too little history", "历史太短"),
    "chart": ("{topic}: negative texts per window", "{topic}：每窗的负面文本"),
    "chart says": (
        "Last window {negative} negative of {all}; expected {expected}, alarm from {limit}. Windows with a surge: "
        "{surges}.",
        "上一窗 {all} 条中 {negative} 条负面；预期 {expected}，达到 {limit} 报警。所示窗中有 {surges} 个激增。",
    ),
    "topic": ("topic", "主题"),
    "time": ("began", "开始"),
    "count": ("negative", "负面"),
    "all": ("all", "全部"),
    "expected": ("expected", "预期"),
    "limit": ("alarm from", "报警线"),
    "shares": ("share", "占比"),
    "usual": ("usual share", "平时占比"),
    "verdict": ("verdict", "结论"),
    "caption now": ("Every topic in the last window", "上一窗中的每个主题"),
    "caption alerts": (
        "Surges that began in the windows shown, newest first; times of {zone}",
        "所示时间窗内开始的激增，新的在前；{zone} 时区",
    ),
    "read chart": (
        "Full line: negative texts, each as far as the model thinks it negative. Dashed: what is expected at that time "
        "of the week, at the level of these days. Band: up to where it is no alarm.",
        "实线：负面文本，每条按模型判为负面的概率计。虚线：按一周中的时刻与近日水平的预期。色带：不报警的范围。",
    ),
    "read marks": (
        "▲ a surge begins: more negative texts than growth of the stream explains, their share above the usual one or "
        "most of what came on top negative. ○ more traffic: more of them, but the share is as usual.",
        "▲ 激增开始：负面文本多于整体增长所能解释的，且占比高于平时，或多出的大多是负面。"
        "○ 流量增加：负面也多，但占比如常。",
    ),
}


def say(language: Language, key: str, /, **values: object) -> str:
    """Return a wording with its values in place."""
    return WORDS[key][LANGUAGES.index(language)].format(**values)
