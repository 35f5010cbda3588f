"""Labels and scores -> places in the figure: a log axis with a broken-off 0, and scores upward.

Source: Cleveland 1985, The Elements of Graphing Data: log axes for what grows by factors; a full break where a scale
cannot show a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEYOND = 4
"""The axis goes on to so many times the largest budget: as far as the fit is given."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of one drawing; the page shows the one that fits the window. All in CSS pixels at scale 1."""

    name: str
    width: int
    height: int
    font: float
    left: int
    """Room for the scores' ticks."""
    gap: int
    """From 0 to the smallest budget above it."""
    step: int
    """Between levers side by side at one budget."""
    columns: int
    """Of the key below the figure; 0 names the arrows where they are."""

    top, right = 34, 14

    @property
    def bottom(self) -> float:
        """Room for the ticks and the title of the axis of labels."""
        return self.font * 3.4


FRAMES = (
    Frame("narrow", 360, 400, 13, left=38, gap=38, step=6, columns=1),
    Frame("middle", 720, 520, 13.5, left=52, gap=70, step=7, columns=2),
    Frame("wide", 1080, 680, 15, left=60, gap=104, step=9, columns=0),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where labels and scores lie in a frame."""

    frame: Frame
    budgets: tuple[int, ...]
    low: float
    high: float
    last: float
    """The rightmost number of labels: beyond the last budget where there is a fit."""

    @property
    def first(self) -> int:
        """Return the smallest budget above 0."""
        return next(n for n in self.budgets if n > 0)

    @property
    def left(self) -> float:
        return self.frame.left

    @property
    def right(self) -> float:
        return self.frame.width - self.frame.right

    @property
    def end(self) -> float:
        """Return where the last number of labels lies; what was only measured leaves room for *more than*."""
        return self.right - (0 if self.last > self.budgets[-1] else 4.5 * self.frame.step)

    @property
    def floor(self) -> float:
        """Return where the axis of labels lies."""
        return self.frame.height - self.frame.bottom

    @property
    def begin(self) -> float:
        """Return where the log part begins."""
        inset = self.frame.step * 2.5
        return self.left + inset + (self.frame.gap if self.budgets[0] == 0 else 0)

    def x(self, labels: float) -> float:
        """Return how far right a number of labels lies; below the smallest budget the axis is linear."""
        if labels < self.first:
            zero = self.begin - self.frame.gap
            return zero + self.frame.gap * max(0.0, labels) / self.first
        span = math.log(self.last / self.first)
        share = math.log(labels / self.first) / span if span else 0.0
        return self.begin + share * (self.end - self.begin)

    def y(self, score: float) -> float:
        """Return how far down a score lies."""
        return self.floor - (score - self.low) / (self.high - self.low) * (self.floor - self.frame.top)


def scale(frame: Frame, report: Mapping[str, Any], scores: Sequence[float]) -> Scale:
    """Return the scale that shows the curve, ``scores``, and as much of the fit as does not flatten them."""
    curve = report["curve"]
    seen = [*scores, *(point[end] for point in curve for end in ("low", "high"))]
    fit = report.get("fit")
    last = report["budgets"][-1]
    if fit:
        last *= BEYOND
        ahead = [point["value"] for point in fit["line"]]
        seen += ahead
        reach = max(seen) + 0.25 * (max(seen) - min(seen))
        seen.append(min(reach, fit["asymptote"]["value"]))
    spread = (max(seen) - min(seen)) or 1.0
    return Scale(frame, tuple(report["budgets"]), min(seen) - 0.07 * spread, max(seen) + 0.1 * spread, last)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers within a range, at most so many."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough * 0.999)
    first = math.ceil(low / step)
    return [round(index * step, 10) for index in range(first, math.floor(high / step) + 1)]
