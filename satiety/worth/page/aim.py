"""Arrows by priority -> those there is room for, each with the place of its name.

Arrows never overlap: the shaft, the mark and the bar of one keep clear of those of every other. A name stands left of
its arrow, above the curve, or right of it, below the curve, and is moved up or down a little where it must be; it
covers neither a line nor a mark. Frames without room for names number their arrows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from satiety.worth.page.arrows import Arrow
from satiety.worth.page.placing import Box, Room, width
from satiety.worth.page.scale import Scale

MARK = 5.5
"""Half the size of a mark."""
HALF = 4.5
"""Half the height an arrow and its bar take."""
LINE = 1.2
"""Height of a line of a name, in its font's size."""
SHORT = 15.0
"""A shaft shorter than this would be all head."""


@dataclass(frozen=True, slots=True)
class Aim:
    """An arrow in the plot."""

    arrow: Arrow
    x: float
    y: float
    tip: float
    """Where the head ends, or would."""
    begin: float
    end: float
    """Of the bar that shows the worth's interval."""
    label: Box
    number: int

    @property
    def shaft(self) -> bool:
        """Return whether the arrow goes far enough to be drawn, and the way the gain says."""
        return (self.tip - self.x) * (1 if self.arrow.helps else -1) >= SHORT

    @property
    def open(self) -> bool:
        """Return whether the worth lies beyond what was measured, on either side."""
        return not self.arrow.worth["value"]


def aim(arrows: Sequence[Arrow], scale: Scale, names: Room) -> list[Aim]:
    """Return the arrows that are drawn, numbered from the left.

    Args:
        arrows: by priority.
        scale: of the drawing.
        names: what the curve takes of the plot already; it fills.
    """
    found: list[Aim] = []
    solid = Room(Box(0, 0, scale.frame.width, scale.frame.height))
    written = Room(solid.bounds)
    for arrow in arrows:
        beside = sum(one.arrow.budget == arrow.budget and one.arrow.helps == arrow.helps for one in found) + 1
        one = _aim(arrow, scale, beside)
        mine = [_reach(one), _mark(one)]
        clear = all(solid.free(box) and written.free(box) for box in mine)
        if not clear or not written.free(_whisker(one, scale)):
            continue
        ink = [*mine, _whisker(one, scale), *_drop(one, scale)]
        label = Room(names.bounds, [*names.taken, *ink]).first(_places(one, scale, most=len(arrows)))
        if label is None:
            continue
        solid.taken += mine
        written.taken.append(label)
        names.taken += [*ink, label]
        found.append(replace(one, label=label))
    order = sorted(found, key=lambda one: (one.arrow.budget, one.y))
    return [replace(one, number=order.index(one) + 1) for one in order]


def _aim(arrow: Arrow, scale: Scale, beside: int) -> Aim:
    x = scale.x(arrow.budget) + beside * scale.frame.step * (1 if arrow.helps else -1)
    value, low, high = (_across(arrow.worth[end], scale) for end in ("value", "low", "high"))
    unplaced = Box(0, 0, 0, 0)
    return Aim(arrow, x, scale.y(arrow.score), value, low, high, unplaced, number=0)


def _across(labels: float | None, scale: Scale) -> float:
    """Return where a worth lies; beyond what was measured is a little past the last budget, or before the first."""
    if labels is None:
        return scale.x(scale.budgets[-1]) + 3.5 * scale.frame.step
    return scale.begin - 1.5 * scale.frame.step if labels <= 0 else scale.x(min(labels, scale.budgets[-1]))


def _reach(one: Aim) -> Box:
    ends = [one.x, one.begin, one.end, *([one.tip] if one.shaft else [])]
    return Box(min(ends), one.y - HALF, max(ends), one.y + HALF)


def _mark(one: Aim) -> Box:
    return Box(one.x - MARK, one.y - MARK, one.x + MARK, one.y + MARK)


def _whisker(one: Aim, scale: Scale) -> Box:
    return Box(one.x - 5, scale.y(one.arrow.high), one.x + 5, scale.y(one.arrow.low))


def _drop(one: Aim, scale: Scale) -> list[Box]:
    """Return what the number takes below the headline's arrow; the dots that lead to it may run behind a name."""
    if not one.arrow.main or one.open:
        return []
    font = scale.frame.font
    return [Box(one.tip + 3, scale.floor - 1.5 * font, one.tip + 3 + 2.4 * font, scale.floor)]


def _places(one: Aim, scale: Scale, most: int) -> Iterator[Box]:
    """Yield where a name may stand, or a number up to ``most``, the best first: in one line, else in two."""
    font, numbered = scale.frame.font, scale.frame.columns > 0
    whole = width(str(most) if numbered else one.arrow.text, font)
    yield from _beside(one, whole, font * LINE, 4 if numbered else 12)
    if not numbered:
        yield from _beside(one, max(width(one.arrow.name, font), width(one.arrow.said, font)), font * LINE * 2, 12)


def _beside(one: Aim, wide: float, tall: float, off: float) -> Iterator[Box]:
    """Yield places left and right of an arrow, first at its height, then ever further from it."""
    reach = _reach(one)
    ends = (min(reach.left, one.x - MARK) - off - wide, max(reach.right, one.x + MARK) + off)
    for shift in (0, 3, -3, 6, -6, 10, -10, 14, -14, 18, -18, 24, -24, 30, -30):
        for left in ends if one.arrow.helps else reversed(ends):
            top = one.y - tall / 2 + shift
            yield Box(left, top, left + wide, top + tall)
