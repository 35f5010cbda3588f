"""What is drawn already -> where a name still finds room, so that no name covers anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

THIN, BROAD = frozenset("iljtfrI.,:;'|[]()!· \u00a0"), frozenset("mwMW@%")

SIGNS = frozenset("<>=+&~^#")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y goes down."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether two boxes share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, other: Box) -> bool:
        """Return whether this box lies in another."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(slots=True)
class Room:
    """The plot while it fills."""

    bounds: Box
    taken: list[Box] = field(default_factory=list)

    def free(self, box: Box) -> bool:
        """Return whether a box lies in the plot and meets nothing."""
        return box.within(self.bounds) and not any(box.meets(other) for other in self.taken)

    def first(self, boxes: Iterable[Box]) -> Box | None:
        """Return the first box there is room for."""
        return next(filter(self.free, boxes), None)


def along(points: Sequence[tuple[float, float]], thick: float = 3.0, step: float = 5.0) -> list[Box]:
    """Return small boxes that cover a line through ``points``."""
    found = []
    for (x0, y0), (x1, y1) in pairwise(points):
        pieces = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / step))
        for i in range(pieces):
            a, b = i / pieces, (i + 1) / pieces
            xs, ys = (x0 + a * (x1 - x0), x0 + b * (x1 - x0)), (y0 + a * (y1 - y0), y0 + b * (y1 - y0))
            found.append(Box(min(xs) - thick, min(ys) - thick, max(xs) + thick, max(ys) + thick))
    return found


def width(text: str, font: float) -> float:
    """Return about how wide a text is: a little more than in any common font, for the reader's is not known here."""
    return font * sum(_em(one) for one in text)


def _em(character: str) -> float:
    if character >= "\u2e80":
        return 1.0
    if character in THIN:
        return 0.34
    if character in BROAD:
        return 0.92
    if character in SIGNS:
        return 0.84
    return 0.7 if character.isupper() else 0.58


def wrap(text: str, room: float, font: float) -> list[str]:
    """Return a text in lines of at most ``room``, broken at spaces, and within a word only where it must be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and width(longer, font) > room:
            lines.append(line)
            longer = word
        while width(longer, font) > room and len(longer) > 1:
            fits = next(n for n in range(len(longer) - 1, 0, -1) if n == 1 or width(longer[:n], font) <= room)
            lines.append(longer[:fits])
            longer = longer[fits:]
        line = longer
    return [*lines, line]
