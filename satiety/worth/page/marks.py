"""Placed arrows -> shapes: mark, shaft, head, bar and name; and the key of frames that number them."""

from __future__ import annotations

from collections.abc import Sequence

from satiety.worth.page import curve
from satiety.worth.page.aim import LINE, Aim
from satiety.worth.page.markup import Html, join, tag
from satiety.worth.page.placing import wrap
from satiety.worth.page.scale import Frame, Scale
from satiety.worth.page.voice import Voice

SHAPES = {
    "worth it": "M0-6.2L6 4.4H-6Z",
    "harmful": "M0 6.2L6-4.4H-6Z",
    "inconclusive": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z",
    "not worth it here": "M-4.4-4.4h8.8v8.8h-8.8Z",
}
BOLD = 1.15
"""How much wider a name is for being bold."""


def bar(one: Aim) -> Html:
    """Return the interval of a worth, along the arrow."""
    size = {"x": one.begin, "y": one.y - 3.5, "width": max(0.0, one.end - one.begin), "height": 7, "rx": 3.5}
    return tag("rect", class_=f"bar {_kind(one)}", **size)


def arrow(one: Aim, shown: Scale, voice: Voice) -> Html:
    """Return everything of an arrow but its bar, which lies below all of them."""
    parts = [_upright(one, shown)]
    if one.shaft:
        parts += [
            tag("path", d=_shaft(one), class_="shaft"),
            tag("path", d=_head(one), class_="head open" if one.open else "head"),
        ]
    parts.append(
        tag("path", d=SHAPES[one.arrow.verdict], transform=f"translate({one.x:.1f} {one.y:.1f})", class_="mark")
    )
    if one.arrow.main and not one.open:
        parts += _down(one, shown, voice)
    parts += _name(one, shown)
    kind = f"arrow {_kind(one)}{' main' if one.arrow.main else ''}"
    return tag("g", *parts, class_=kind, data_lever=one.arrow.lever, data_budget=one.arrow.budget)


def _kind(one: Aim) -> str:
    return one.arrow.verdict.split()[0]


def _upright(one: Aim, shown: Scale) -> Html:
    """Return the interval of the gain, upright through the mark."""
    return tag("line", x1=one.x, x2=one.x, y1=shown.y(one.arrow.low), y2=shown.y(one.arrow.high), class_="upright")


def _shaft(one: Aim) -> str:
    return f"M{one.x:.1f} {one.y:.1f}H{one.tip - _way(one) * (1 if one.open else 6):.1f}"


def _head(one: Aim) -> str:
    """Return a filled head where the worth is a number, and an open one where it lies beyond."""
    back, tip = one.tip - _way(one) * 8, one.tip
    closed = "" if one.open else "Z"
    return f"M{back:.1f} {one.y - 4.5:.1f}L{tip:.1f} {one.y:.1f}L{back:.1f} {one.y + 4.5:.1f}{closed}"


def _way(one: Aim) -> int:
    return 1 if one.tip >= one.x else -1


def _down(one: Aim, shown: Scale, voice: Voice) -> list[Html]:
    """Return the line from the headline's arrow down to its labels, and how many they are."""
    line = tag("line", x1=one.tip, x2=one.tip, y1=one.y + 5, y2=shown.floor, class_="down")
    said = voice.labels(one.arrow.worth["value"])
    return [line, tag("text", said, x=one.tip + 5, y=shown.floor - 6, class_="down")]


def _name(one: Aim, shown: Scale) -> list[Html]:
    """Return the arrow's name, or its number in the key, led to its mark where it had to be moved."""
    box, font = one.label, shown.frame.font
    left = box.right <= one.x
    middle, end = (box.top + box.bottom) / 2, box.right if left else box.left
    place: dict[str, str | float] = {"x": end, "text_anchor": "end" if left else "start"}
    if shown.frame.columns:
        return [tag("text", str(one.number), y=middle + font * 0.35, class_="number", **place)]
    who = tag("tspan", one.arrow.name, class_="who")
    if box.bottom - box.top < font * LINE * 1.5:
        lines = [join([who, one.arrow.said], " ")]
    else:
        lines = [who, join([one.arrow.said])]
    first = middle + font * (0.35 - LINE * (len(lines) - 1) / 2)
    named = [tag("text", line, y=first + i * font * LINE, class_="said", **place) for i, line in enumerate(lines)]
    return [*_led(one, left, end, middle), *named]


def _led(one: Aim, left: bool, end: float, middle: float) -> list[Html]:
    """Return the line from an arrow to its name, where the name is not level with it."""
    if abs(middle - one.y) < 6:
        return []
    near = min(one.begin, one.x, one.tip) if left else max(one.end, one.x, one.tip)
    side = -2 if left else 2
    return [tag("path", d=curve.path([(near + side, one.y), (end - side, middle)]), class_="led")]


def key(frame: Frame, aims: Sequence[Aim]) -> tuple[list[Html], float]:
    """Return what the numbers stand for, below the plot, and the height of the whole."""
    if not frame.columns:
        return [], frame.height
    line, wide = frame.font * 1.35, (frame.width - 8) / frame.columns
    tops = [frame.height + frame.font * 1.4] * frame.columns
    found = []
    for i, one in enumerate(aims):
        column = i % frame.columns
        shape, top = _entry(one, column * wide + 4, tops[column], wide - 44, frame.font)
        found.append(shape)
        tops[column] = top + line * 0.25
    return found, max(tops) - frame.font * 0.6


def _entry(one: Aim, left: float, top: float, wide: float, font: float) -> tuple[Html, float]:
    """Return a line or more of the key, and where the next begins."""
    rows = [(text, "who") for text in wrap(one.arrow.name, wide / BOLD, font)]
    rows += [(text, "said") for text in wrap(one.arrow.said, wide, font)]
    mark = tag(
        "path",
        d=SHAPES[one.arrow.verdict],
        transform=f"translate({left + 25:.1f} {top - font * 0.35:.1f})",
        class_="mark",
    )
    parts = [tag("text", str(one.number), x=left, y=top, class_="number"), mark]
    for text, kind in rows:
        parts.append(tag("text", text, x=left + 38, y=top, class_=kind))
        top += font * 1.35
    return tag("g", *parts, class_=f"entry {_kind(one)}"), top
