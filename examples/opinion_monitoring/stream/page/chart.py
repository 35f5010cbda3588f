"""The readings of one topic -> a small chart: negative texts in their band, the negative share, the volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from examples.opinion_monitoring.stream.page.words import Language, say
from satiety.worth.agreement import estimate_wilson_interval
from satiety.worth.page.markup import Html, tag

if TYPE_CHECKING:
    from examples.opinion_monitoring.stream.surge import Reading

WIDTH, LEFT, RIGHT = 360, 34, 8
PANELS = {"negative": (26.0, 106.0), "share": (134.0, 174.0), "volume": (198.0, 222.0)}
"""Top and bottom of each."""
HEIGHT, LABEL = 244, 7
MARK = 5.0
"""Half of a mark's width."""
POINTS = 28
"""Points of the share: so many texts as it takes for an interval that says something."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a chart: windows to the right, values upward."""

    name: str
    count: int
    highest: float

    def x(self, place: float) -> float:
        return LEFT + (place + 0.5) * (WIDTH - LEFT - RIGHT) / self.count

    def y(self, value: float) -> float:
        top, bottom = PANELS[self.name]
        return bottom - (bottom - top) * min(value / self.highest, 1)

    def line(self, values: Sequence[float]) -> str:
        return " ".join(f"{self.x(i):.1f},{self.y(value):.1f}" for i, value in enumerate(values))


def chart(readings: Sequence[Reading], level: float, language: Language) -> Html:
    """Return the chart of a topic; its readings in order of time, at least one."""
    last, title = readings[-1], f"chart-{readings[-1].topic}"
    says = say(
        language,
        "chart says",
        negative=f"{last.count.negative:.1f}",
        all=last.count.all,
        expected=f"{last.expected:.1f}",
        limit=f"{last.limit:.1f}",
        surges=sum(one.verdict == "surge" for one in readings),
    )
    parts = [*_negative(readings, language), *_share(readings, level, language), *_volume(readings, language)]
    return tag(
        "svg",
        tag("title", say(language, "chart", topic=last.topic), id=title),
        tag("desc", says),
        *parts,
        *_days(readings),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=title,
        class_="topic",
    )


def _negative(readings: Sequence[Reading], language: Language) -> Iterator[Html]:
    judged = [one for one in readings if one.verdict != "too little history"]
    tops = [1.1 * one.limit for one in judged] + [1.3 * one.count.negative for one in readings]
    highest = max(4, *tops, *(1.1 * one.expected for one in readings))
    panel = Panel("negative", len(readings), highest)
    yield from _frame(panel, say(language, "negative"), f"{highest:.0f}")
    if judged:
        first = len(readings) - len(judged)
        upper = [f"{panel.x(first + i):.1f},{panel.y(one.limit):.1f}" for i, one in enumerate(judged)]
        floor = PANELS["negative"][1]
        ends = [f"{panel.x(len(readings) - 1):.1f},{floor}", f"{panel.x(first):.1f},{floor}"]
        yield tag("polygon", points=" ".join([*upper, *ends]), class_="band")
        line = [f"{panel.x(first + i):.1f},{panel.y(one.expected):.1f}" for i, one in enumerate(judged)]
        yield tag("polyline", points=" ".join(line), class_="likely")
    yield tag("polyline", points=panel.line([one.count.negative for one in readings]), class_="plain")
    for i, one in enumerate(readings):
        x, y = panel.x(i), panel.y(one.count.negative) - MARK - 2
        if one.begins:
            path = f"M{x - MARK:.1f} {y + MARK:.1f}L{x:.1f} {y - MARK:.1f}L{x + MARK:.1f} {y + MARK:.1f}Z"
            yield tag("path", tag("title", _when(one)), d=path, class_="surge")
        elif one.verdict == "more traffic" and (i == 0 or readings[i - 1].verdict != one.verdict):
            yield tag("circle", tag("title", _when(one)), cx=x, cy=y, r=MARK * 0.7, class_="traffic")


def _share(readings: Sequence[Reading], level: float, language: Language) -> Iterator[Html]:
    panel, size = Panel("share", len(readings), 1.0), max(1, -(-len(readings) // POINTS))
    yield from _frame(panel, say(language, "share", n=size, level=f"{level:.0%}"), "1")
    for start in range(0, len(readings), size):
        group = readings[start : start + size]
        texts = sum(one.count.all for one in group)
        if texts:
            x = panel.x(start + (len(group) - 1) / 2)
            share = estimate_wilson_interval(sum(one.count.negative for one in group), texts, level)
            yield tag("line", x1=x, x2=x, y1=panel.y(share.low), y2=panel.y(share.high), class_="error")
            yield tag("circle", cx=x, cy=panel.y(share.value), r=1.8, class_="dot")


def _volume(readings: Sequence[Reading], language: Language) -> Iterator[Html]:
    panel = Panel("volume", len(readings), max(1.0, *(float(one.count.all) for one in readings)))
    yield from _frame(panel, say(language, "volume"), f"{panel.highest:.0f}")
    floor = PANELS["volume"][1]
    ends = f"{panel.x(len(readings) - 1):.1f},{floor} {panel.x(0):.1f},{floor}"
    yield tag("polygon", points=f"{panel.line([one.count.all for one in readings])} {ends}", class_="volume")


def _frame(panel: Panel, name: str, highest: str) -> Iterator[Html]:
    top, bottom = PANELS[panel.name]
    yield tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="grid")
    yield tag("text", name, x=LEFT, y=top - LABEL, class_="name")
    yield tag("text", highest, x=LEFT - 5, y=top + 4, text_anchor="end", class_="tick")
    yield tag("text", "0", x=LEFT - 5, y=bottom + 4, text_anchor="end", class_="tick")


def _days(readings: Sequence[Reading]) -> Iterator[Html]:
    """Write the first and the last date below."""
    for place, anchor, x in ((0, "start", LEFT), (-1, "end", WIDTH - RIGHT)):
        yield tag("text", f"{readings[place].start:%m-%d %H:%M}", x=x, y=HEIGHT - 6, text_anchor=anchor, class_="tick")


def _when(one: Reading) -> str:
    return f"{one.start:%Y-%m-%d %H:%M}: {one.count.negative:.1f} / {one.count.all}"
