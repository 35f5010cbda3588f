"""The score on the test examples, as estimated for today, and by feedback -> a picture of the three, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from satiety.drift.page.words import Say
from satiety.worth.page.markup import Html, tag

WIDE, ROW, LEFT, RIGHT = 640, 44, 16, 16


def estimate(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return the picture, how far it can be believed, and what a loss costs."""
    found = [
        tag("figure", _picture(report, say)),
        tag("p", say("error", report), class_="note"),
    ]
    return [*found, *([tag("p", say("labels cost", report["cost"]))] if report["cost"] else [])]


def feedback(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return what people said of the answers."""
    said = report["feedback"]
    if said is None:
        return [tag("p", say("no feedback"))]
    told = {"score": say.score(said["score"]), "change": say.change(said["change"])}
    over = say.change(said["overconfidence"])
    return [tag("p", say("by feedback", answers=said["answers"], metric=report["metric"], over=over, **told))]


def _picture(report: Mapping[str, Any], say: Say) -> Html:
    rows = {"usual": report["usual"], "today": report["today"]}
    if report["feedback"]:
        rows["said"] = report["feedback"]["score"]
    harm = report["usual"]["value"] - report["harm"]
    low: float = max(0.0, min([harm, *(one["low"] for one in rows.values())]) - 0.03)
    high: float = min(1.0, max(one["high"] for one in rows.values()) + 0.03)

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * float(WIDE - LEFT - RIGHT)

    height = ROW * len(rows) + 34
    usual, today = (say.score(rows[name]) for name in ("usual", "today"))
    title = say("figure", metric=report["metric"], usual=usual, today=today, harm=harm)
    parts = [tag("title", title), *_harm(x(harm), height, say("harm line", value=harm))]
    for number, (name, one) in enumerate(rows.items()):
        parts += _row(20 + ROW * (number + 0.5), one, f"{say(name)}: {say.score(one)}", x)
    return tag("svg", *parts, viewBox=f"0 0 {WIDE} {height}", role="img", class_="score")


def _harm(at: float, height: float, words: str) -> Iterator[Html]:
    yield tag("line", x1=at, x2=at, y1=8, y2=height - 22, class_="down harmful")
    side = {"x": at + 6, "text_anchor": "start"} if at < WIDE / 2 else {"x": at - 6, "text_anchor": "end"}
    yield tag("text", words, y=height - 6, class_="tick", font_size="13", **side)  # type: ignore[arg-type]


def _row(y: float, one: Mapping[str, float], words: str, x: Any) -> Iterator[Html]:
    yield tag("line", x1=x(one["low"]), x2=x(one["high"]), y1=y, y2=y, class_="range", stroke_width="2")
    yield tag("circle", cx=x(one["value"]), cy=y, r=5, class_="mark")
    yield tag("text", words, x=LEFT, y=y - 12, font_size="13", class_="who")
