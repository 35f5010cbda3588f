"""Time series: scores with events and an estimate, and three small panels of what happened to a topic."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from satiety.report.charts.canvas import COLOURS, HALO, add_axes, draw

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WIDTH, HEIGHT, FONT = 360, 244, 11
LEFT, RIGHT = 34, 8
TOPS = {"negative": (26, 106), "share": (134, 174), "volume": (198, 222)}
"""Of a topic: the size of its figure, and top and bottom of each panel."""


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A score at every step of time."""

    name: str
    values: Sequence[float]
    tone: str
    """A colour of the style sheet."""
    dashed: bool


@dataclass(frozen=True, slots=True)
class Period:
    """Steps of time, counted from 1, that have something in common."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TopicSeries:
    """What happened to a topic in each window, the oldest first."""

    negative: Sequence[float]
    expected: Sequence[float]
    limits: Sequence[float]
    """Counts from which on there is an alarm."""
    judged: int
    """The first window with enough history for an expectation; as many as there are windows where none has."""
    surges: Sequence[int]
    """Windows in which a surge begins."""
    traffic: Sequence[int]
    """Windows in which there begins to be more traffic."""
    shares: Sequence[tuple[float, Mapping[str, float]]]
    """Places, in windows, and ``{value, low, high}``."""
    totals: Sequence[float]


def time_series(
    lines: tuple[ScoreLine, ScoreLine],
    estimates: Sequence[Mapping[str, float]],
    periods: Sequence[Period],
    rows: Mapping[str, Sequence[tuple[str, str]]],
    names: tuple[str, str],
    wide: bool,
) -> Markup:
    """Return the figure in one of two sizes.

    Args:
        lines: two, each named at its end: the upper one above it, the lower one below it.
        estimates: ``{value, low, high}`` at every step.
        periods: shaded; only the wide figure has room for their names.
        rows: by name, a sign and its colour at every step; an empty sign is none.
        names: of the score and of the steps.
        wide: for windows from 780 pixels on.
    """
    width, height, font = (960, 540, 15.0) if wide else (400, 430, 13.0)
    left, right = (7 * font, 8 * font) if wide else (3.2 * font, font)
    below = (1.8 + 1.6 * len(rows)) * font

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left, 2.4 * font, right, below)
        values = [score for line in lines for score in line.values]
        values += [reading[end] for reading in estimates for end in ("low", "high")]
        spread = (max(values) - min(values)) or 1.0
        bottom, top = min(values) - 0.05 * spread, max(values) + 0.16 * spread
        axes.set(xlim=(0.5, len(estimates) + 0.5), ylim=(bottom, top), xticks=range(1, len(estimates) + 1))
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_formatter("{x:.2f}")
        axes.annotate(names[0], (0, 1), (2, -1.1 * font), "figure fraction", "offset pixels", color=COLOURS["soft"])
        letters = (width - left - right) / len(estimates) / (0.6 * font)
        _paint_periods(axes, periods, letters if wide else 0)
        _paint_lines(axes, lines, estimates, wide)
        _paint_rows(axes, rows, names[1] if wide else "", font, left)

    return draw(width, height, font, paint, f"picture {'wide' if wide else 'narrow'}")


def _paint_periods(axes: Axes, periods: Sequence[Period], letters: float) -> None:
    """Shade the periods; write their names in so many letters for each step, or none."""
    bottom, top = axes.get_ylim()
    for period in periods:
        first, last = period.first - 0.49, period.last + 0.49
        axes.fill_between([first, last], bottom, top, color=COLOURS["band"], alpha=0.4, linewidth=0, zorder=0)
        if letters:
            name = textwrap.fill(period.name, max(1, int(letters * (period.last - period.first + 1))))
            place: dict[str, Any] = {"textcoords": "offset pixels", "va": "top", "color": COLOURS["soft"]}
            axes.annotate(name, (first, top), (6, -6), **place)


def _paint_lines(
    axes: Axes, lines: tuple[ScoreLine, ScoreLine], estimates: Sequence[Mapping[str, float]], wide: bool
) -> None:
    """Paint the estimate with its interval, and the lines over it."""
    steps = range(1, len(estimates) + 1)
    value, low, high = ([reading[end] for reading in estimates] for end in ("value", "low", "high"))
    axes.fill_between(steps, low, high, color=COLOURS["band"], alpha=0.75, linewidth=0)
    axes.plot(steps, value, color=COLOURS["ink"], linewidth=1.5, linestyle=(0, (4, 3)))
    upper = max(lines, key=lambda line: line.values[-1])
    for line in lines:
        tone, style = COLOURS[line.tone], (0, (4, 2)) if line.dashed else "solid"
        axes.plot(steps, line.values, color=tone, linewidth=2.4, linestyle=style)
        axes.plot(steps, line.values, "o", color=tone, markersize=7, gid="dots", **HALO)
        if wide:
            side = "bottom" if line is upper else "top"
            axes.annotate(
                line.name,
                (steps[-1], line.values[-1]),
                (12, 3 if line is upper else -3),
                textcoords="offset pixels",
                va=side,
                color=tone,
                fontweight="bold",
            )


def _paint_rows(
    axes: Axes, rows: Mapping[str, Sequence[tuple[str, str]]], steps_name: str, font: float, margin: float
) -> None:
    """Write rows of signs, such as ▲, below the axis, 1.6 font sizes each; in the wide figure with their names."""
    options: dict[str, Any] = {
        "xycoords": axes.get_xaxis_transform(),
        "textcoords": "offset pixels",
        "annotation_clip": False,
    }
    for row, name in enumerate([steps_name, *rows] if steps_name else []):
        offset = -((1.35 if row else 1.0) + 1.6 * row) * font
        axes.annotate(name, (0.5, 0), (2 - margin, offset), color=COLOURS["soft"], **options)
    for row, signs in enumerate(rows.values(), 1):
        for step, (sign, tone) in enumerate(signs, 1):
            offset = -(1.35 + 1.6 * row) * font
            axes.annotate(sign, (step, 0), (0, offset), ha="center", color=COLOURS[tone], gid="sign", **options)


def topic_panels(series: TopicSeries, names: Mapping[str, str], dates: tuple[str, str]) -> Markup:
    """Return the panels; ``names`` are theirs, ``dates`` those of the first and the last window."""

    def paint(figure: Figure) -> None:
        judged = slice(series.judged, None)
        tops = [1.1 * limit for limit in series.limits[judged]] + [1.3 * count for count in series.negative]
        highest = {
            "negative": max(4.0, *tops, *(1.1 * count for count in series.expected)),
            "share": 1.0,
            "volume": max(1.0, *series.totals),
        }
        axes = {name: _panel(figure, name, names[name], len(series.totals), top) for name, top in highest.items()}
        _paint_negative(axes["negative"], series)
        for place, share in series.shares:
            axes["share"].vlines(place, share["low"], share["high"], COLOURS["ink"], linewidth=1)
            axes["share"].plot(place, share["value"], "o", color=COLOURS["ink"], markersize=3)
        axes["volume"].fill_between(range(len(series.totals)), series.totals, color=COLOURS["soft"], alpha=0.45)
        for text, place, side in ((dates[0], 0.0, "left"), (dates[1], 1.0, "right")):
            below: dict[str, Any] = {
                "xycoords": "axes fraction",
                "textcoords": "offset pixels",
                "ha": side,
                "color": COLOURS["soft"],
            }
            axes["volume"].annotate(text, (place, 0), (0, -16), **below)

    return draw(WIDTH, HEIGHT, FONT, paint, "topic")


def _panel(figure: Figure, name: str, title: str, count: int, highest: float) -> Axes:
    top, bottom = TOPS[name]
    axes = add_axes(figure, LEFT, top, RIGHT, HEIGHT - bottom)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(0, highest), xticks=[])
    axes.set_yticks([0, highest], ["0", f"{highest:.0f}"])
    axes.grid(visible=False)
    axes.set_title(title, loc="left", fontsize=FONT, color=COLOURS["soft"], pad=5)
    return axes


def _paint_negative(axes: Axes, series: TopicSeries) -> None:
    """Paint the counts, what was expected, the band without alarm, and where something begins."""
    windows = range(len(series.negative))
    judged = windows[series.judged :]
    axes.fill_between(judged, series.limits[series.judged :], color=COLOURS["band"], alpha=0.75, linewidth=0)
    axes.plot(judged, series.expected[series.judged :], color=COLOURS["help"], linewidth=1.3, linestyle=(0, (4, 3)))
    axes.plot(windows, series.negative, color=COLOURS["ink"], linewidth=1.3)
    for places, marker, tone, face, kind in (
        (series.surges, "^", "harm", "harm", "surge"),
        (series.traffic, "o", "even", "paper", "traffic"),
    ):
        for place in places:
            mark: dict[str, Any] = {
                "marker": marker,
                "color": COLOURS[tone],
                "markerfacecolor": COLOURS[face],
                "markersize": 8,
            }
            height = series.negative[place] + 0.09 * axes.get_ylim()[1]
            axes.plot(place, height, gid=kind, clip_on=False, **mark)
