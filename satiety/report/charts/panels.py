"""Three small panels of a topic over time: negative counts against their band, the negative share, the volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from satiety.report.charts.canvas import COLOURS, add_axes, draw

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, FONT = 360, 244, 11
LEFT, RIGHT = 34, 8
TOPS = {"negative": (26, 106), "share": (134, 174), "volume": (198, 222)}
"""Top and bottom of each panel."""


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
