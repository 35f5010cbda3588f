"""The score on the test examples, as estimated for today, and by feedback -> a picture of the three, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from satiety.monitor.page.words import Say, coded
from satiety.worth.page.markup import Html, tag

WIDE, HIGH, EDGE = 640, 24, 8


def estimate(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return the picture, how far it can be believed, and what a loss costs."""
    found = [
        _picture(report, say),
        tag("p", say("error", report), class_="note"),
    ]
    return [*found, *([tag("p", say("labels cost", report["cost"]))] if report["cost"] else [])]


def feedback(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return what people said of the answers."""
    said = report["feedback"]
    if said is None:
        return [tag("p", coded(say("no feedback")))]
    told = {"score": say.score(said["score"]), "change": say.change(said["change"])}
    over = say.change(said["overconfidence"])
    return [tag("p", say("by feedback", answers=said["answers"], metric=report["metric"], over=over, **told))]


def _picture(report: Mapping[str, Any], say: Say) -> Html:
    """Return a line of words and a line of picture for each score; a small window keeps the words readable."""
    rows = {"usual": report["usual"], "today": report["today"]}
    if report["feedback"]:
        rows["said"] = report["feedback"]["score"]
    harm = report["usual"]["value"] - report["harm"]
    low: float = max(0.0, min([harm, *(one["low"] for one in rows.values())]) - 0.03)
    high: float = min(1.0, max(one["high"] for one in rows.values()) + 0.03)

    def x(value: float) -> float:
        return EDGE + (value - low) / (high - low) * float(WIDE - 2 * EDGE)

    usual, today = (say.score(rows[name]) for name in ("usual", "today"))
    told = say("figure", metric=report["metric"], usual=usual, today=today, harm=harm)
    drawn = [part for name, one in rows.items() for part in _row(f"{say(name)}: {say.score(one)}", one, x(harm), x)]
    return tag(
        "figure", tag("div", *drawn, role="img", aria_label=told), tag("figcaption", say("harm line", value=harm))
    )


def _row(words: str, one: Mapping[str, float], harm: float, x: Any) -> Iterator[Html]:
    yield tag("p", tag("b", words), aria_hidden="true")
    parts = [
        tag("line", x1=harm, x2=harm, y1=0, y2=HIGH, class_="down harmful"),
        tag("line", x1=x(one["low"]), x2=x(one["high"]), y1=HIGH / 2, y2=HIGH / 2, class_="range"),
        tag("g", tag("circle", cx=x(one["value"]), cy=HIGH / 2, r=5), class_="point"),
    ]
    yield tag("svg", *parts, viewBox=f"0 0 {WIDE} {HIGH}", class_="score", aria_hidden="true")
