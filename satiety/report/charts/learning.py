"""The learning curve of the baseline, and for each lever an arrow level to it: what its score is worth in labels.

The axis of labels is logarithmic, with 0 broken off at its left (Cleveland 1985, The Elements of Graphing Data). Levers
at one budget stand side by side, helpful ones before it and the others behind it, so that no mark covers another and
no arrow crosses one. Marks have numbers; the page says below what each one is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from satiety.report.charts.canvas import COLOURS, HALO, add_axes, draw

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = Mapping[str, float]
"""``{labels, value, low, high}``."""
SHAPES = {
    "worth it": ("help", "o", True),
    "harmful": ("harm", "s", True),
    "inconclusive": ("even", "o", False),
    "not worth it here": ("even", "s", False),
}
"""Colour, marker and whether it is filled, by verdict."""
HORIZON = 4
"""The axis goes on to so many times the largest budget where there is a fit."""


@dataclass(frozen=True, slots=True)
class LeverMark:
    """A lever at a budget, as the figure shows it."""

    number: int
    budget: int
    score: float
    low: float
    high: float
    """Of the gain's interval, laid on the baseline's score."""
    worth: Mapping[str, float | None]
    """Labels of the baseline with that score: ``{value, low, high}``; None is more than the largest budget."""
    verdict: str
    main: bool
    """Whether the headline is about it."""

    @property
    def helps(self) -> bool:
        """Return whether it is worth more labels than were spent."""
        labels = self.worth["value"]
        return labels is None or labels > self.budget


@dataclass(frozen=True, slots=True)
class LabelAxis:
    """Numbers of labels -> places: doublings of the smallest budget, and 0 one and a half of them before it."""

    budgets: Sequence[int]
    last: float
    zero: float = -1.5

    @property
    def first(self) -> int:
        """Return the smallest budget above 0."""
        return next(budget for budget in self.budgets if budget > 0)

    def place(self, labels: float) -> float:
        """Return the place of a number of labels."""
        if labels < self.first:
            return self.zero * (1 - max(0.0, labels) / self.first)
        return math.log2(labels / self.first)

    def worth(self, labels: float | None) -> float:
        """Return the place of a worth; beyond the range measured it lies a little outside."""
        if labels is None:
            return self.place(self.budgets[-1]) + 0.4
        return -0.4 if labels <= 0 else self.place(min(labels, self.budgets[-1]))


def learning_curve(
    curve: Sequence[Point],
    fit: Mapping[str, Any] | None,
    marks: Sequence[LeverMark],
    texts: Mapping[str, str],
    wide: bool,
) -> Markup:
    """Return the figure in one of two sizes.

    Args:
        curve: the baseline's score at every budget, the smallest first.
        fit: ``{line: points, asymptote: {value, low, high}}``; None where nothing was fitted.
        marks: the levers; the narrow figure leaves out those at other budgets than the headline's.
        texts: ``metric``, ``labels`` (name of the axis), ``beyond``, ``limit`` and ``worth`` (of the headline).
        wide: for windows from 780 pixels on.
    """
    budgets = [int(point["labels"]) for point in curve]
    axis = LabelAxis(budgets, budgets[-1] * (HORIZON if fit else 1))
    width, height, font = (960, 580, 15.0) if wide else (400, 430, 13.0)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=3.5 * font, top=2 * font, right=font, bottom=3.5 * font)
        _set_range(axes, axis, curve, fit, marks)
        _name_axes(axes, axis, texts, width - 4.5 * font)
        if fit:
            _paint_fit(axes, axis, fit, texts, wide)
        _paint_baseline(axes, axis, curve, fit)
        _paint_marks(axes, axis, marks, texts, width - 4.5 * font, 11.0 if wide else 9.3)

    return draw(width, height, font, paint, f"picture {'wide' if wide else 'narrow'}")


def _set_range(
    axes: Axes, axis: LabelAxis, curve: Sequence[Point], fit: Mapping[str, Any] | None, marks: Sequence[LeverMark]
) -> None:
    """Show the curve, the marks, and as much of the fit as does not flatten them."""
    scores = [point[end] for point in curve for end in ("low", "high")]
    scores += [score for mark in marks for score in (mark.score, mark.low, mark.high)]
    if fit:
        scores += [point["value"] for point in fit["line"]]
        reach = max(scores) + 0.25 * (max(scores) - min(scores))
        scores.append(min(reach, fit["asymptote"]["value"]))
    spread = (max(scores) - min(scores)) or 1.0
    left = axis.zero if axis.budgets[0] == 0 else -0.4
    right = axis.place(axis.last) + (0 if fit else 0.7)
    axes.set(xlim=(left - 0.35, right), ylim=(min(scores) - 0.1 * spread, max(scores) + 0.1 * spread))


def _name_axes(axes: Axes, axis: LabelAxis, texts: Mapping[str, str], width: float) -> None:
    """Write budgets and scores; of two budgets whose numbers would touch, the smaller one's."""
    ahead = [axis.budgets[-1] * 2**doubling for doubling in (1, 2) if axis.budgets[-1] * 2**doubling <= axis.last]
    labels = [*axis.budgets, *ahead]
    places = [axis.place(number) for number in labels]
    low, high = axes.get_xlim()
    shown = [0]
    for index, place in enumerate(places):
        if (place - places[shown[-1]]) * width / (high - low) >= 34:
            shown.append(index)
    axes.set_xticks(places, [f"{number:,}" if i in shown else "" for i, number in enumerate(labels)])
    axes.tick_params(axis="x", length=5, pad=4)
    axes.locator_params(axis="y", nbins=6)
    ticks = axes.get_yticks()
    axes.yaxis.set_major_formatter(f"{{x:.{2 if ticks[1] - ticks[0] > 0.009 else 3}f}}")
    axes.set_xlabel(texts["labels"], color=COLOURS["soft"], labelpad=6)
    axes.annotate(texts["metric"], (0, 1), (2, -14), "figure fraction", "offset pixels", color=COLOURS["soft"])
    if axis.budgets[0] == 0:  # the axis is broken between 0 and the smallest budget
        axes.plot(
            [axis.zero / 2 - 0.05, axis.zero / 2 + 0.05],
            [0, 0],
            linestyle="",
            marker=[(-0.4, -1), (0.4, 1)],
            markersize=11,
            color=COLOURS["soft"],
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )


def _paint_baseline(axes: Axes, axis: LabelAxis, curve: Sequence[Point], fit: Mapping[str, Any] | None) -> None:
    """Paint the measured curve: a band, a line, and a point with its interval at every budget."""
    budgets = [point for point in curve if point["labels"] > 0]
    inside = [point for point in (fit or {"line": []})["line"] if axis.first <= point["labels"] <= axis.budgets[-1]]
    line = fit["line"] if fit and len(inside) >= len(budgets) else budgets  # as fitted, else from point to point
    places, value, low, high = _interpolate(axis, line, axis.first, axis.budgets[-1])
    axes.fill_between(places, low, high, color=COLOURS["band"], alpha=0.75, linewidth=0)
    axes.plot(places, value, color=COLOURS["ink"], linewidth=2.2)
    if axis.budgets[0] == 0:
        axes.plot(
            [axis.place(0), 0],
            [curve[0]["value"], value[0]],
            color=COLOURS["ink"],
            linewidth=2.2,
            linestyle=(0, (1, 2.2)),
        )
    for point in curve:
        x = axis.place(point["labels"])
        axes.vlines(x, point["low"], point["high"], COLOURS["ink"], linewidth=1.2)
        axes.plot(x, point["value"], "o", color=COLOURS["ink"], markersize=8, gid="point", **HALO)


def _paint_fit(axes: Axes, axis: LabelAxis, fit: Mapping[str, Any], texts: Mapping[str, str], wide: bool) -> None:
    """Paint the fitted curve where nothing was measured, and the limit it tends to."""
    bottom, top = axes.get_ylim()
    places, value, low, high = _interpolate(axis, fit["line"], axis.budgets[-1], axis.last, bottom, top)
    edge = axes.get_xlim()[1]
    axes.fill_between([places[0], edge], bottom, top, color=COLOURS["zone"], linewidth=0, zorder=0)
    axes.fill_between(places, low, high, color=COLOURS["band"], alpha=0.45, linewidth=0)
    axes.plot(places, value, color=COLOURS["ink"], linewidth=1.8, linestyle=(0, (4, 3)))
    limit = fit["asymptote"]["value"]
    if limit <= top:
        axes.hlines(limit, places[0], edge, COLOURS["soft"], linestyle=(0, (2, 4)), linewidth=1)
    if limit <= top and wide:
        axes.annotate(
            texts["limit"], (edge, limit), (0, 5), textcoords="offset pixels", ha="right", color=COLOURS["soft"]
        )
    if wide:
        axes.annotate(
            texts["beyond"], (edge, bottom), (-6, 8), textcoords="offset pixels", ha="right", color=COLOURS["soft"]
        )


def _interpolate(
    axis: LabelAxis, points: Sequence[Point], begin: float, end: float, bottom: float = -math.inf, top: float = math.inf
) -> tuple[Any, Any, Any, Any]:
    """Return places, values, lows and highs of a line from ``begin`` to ``end``, cut off at bottom and top."""
    import numpy as np

    labels = [point["labels"] for point in points]
    inside = np.unique(np.clip([begin, *labels, end], begin, end))
    scores = [np.interp(inside, labels, [point[name] for point in points]) for name in ("value", "low", "high")]
    value, low, high = (np.clip(score, bottom, top) for score in scores)
    return [axis.place(number) for number in inside], value, low, high


def _paint_marks(
    axes: Axes, axis: LabelAxis, marks: Sequence[LeverMark], texts: Mapping[str, str], width: float, radius: float
) -> None:
    """Paint the levers: an arrow of a better one passes above the marks of others, or below them on the other side."""
    low, high = axes.get_xlim()
    pixel = (high - low) / width
    for budget in {mark.budget for mark in marks}:
        others = [low, high, *(axis.place(mark.budget) for mark in marks if mark.budget != budget)]
        group = sorted((mark for mark in marks if mark.budget == budget), key=lambda mark: mark.score)
        for side in (-1, 1):
            column = [mark for mark in group if mark.helps is (side < 0)][::-side]
            room = min(distance for place in others if (distance := side * (place - axis.place(budget))) > 0)
            step = min((2 * radius + 2) * pixel, (room - radius * pixel) / max(len(column), 1))
            for index, mark in enumerate(column, 1):
                _paint_arrow(axes, axis, mark, axis.place(budget) + side * index * step, radius, texts["worth"])


def _paint_arrow(axes: Axes, axis: LabelAxis, mark: LeverMark, x: float, radius: float, worth: str) -> None:
    """Paint a lever's mark, the interval of its gain, and the arrow to the labels it is worth, with their interval."""
    name, shape, filled = SHAPES[mark.verdict]
    tone, paper = COLOURS[name], COLOURS["paper"]
    tip, low, high = (axis.worth(mark.worth[end]) for end in ("value", "low", "high"))
    beyond = not mark.worth["value"]
    axes.hlines(mark.score, low, high, tone, linewidth=7, alpha=0.2, capstyle="round")
    axes.vlines(x, mark.low, mark.high, tone, linewidth=1, alpha=0.8)
    axes.hlines(mark.score, x, tip, tone, linewidth=2.6 if mark.main else 1.5)
    head: dict[str, Any] = {"marker": ">" if mark.helps else "<", "markerfacecolor": paper if beyond else tone}
    axes.plot(tip, mark.score, color=tone, markersize=7, zorder=3, **head)
    face = tone if filled else paper
    axes.plot(x, mark.score, shape, color=tone, markerfacecolor=face, markersize=1.9 * radius, zorder=4, gid="mark")
    axes.annotate(
        f"{mark.number}",
        (x, mark.score),
        (0, -0.36 * 1.3 * radius),
        textcoords="offset pixels",
        ha="center",
        color=paper if filled else tone,
        fontsize=1.3 * radius,
        fontweight="bold",
        zorder=5,
        gid="number",
    )
    if mark.main and not beyond:
        floor = axes.get_ylim()[0]
        axes.vlines(tip, floor, mark.score, tone, linewidth=1.6, linestyle=(0, (1, 2.5)))
        axes.annotate(worth, (tip, floor), (5, 8), textcoords="offset pixels", color=tone, fontweight="bold")
