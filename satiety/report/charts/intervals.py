"""Values with their intervals: one against zero, for a cell of a table, and several scores on one axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from satiety.report.charts.canvas import COLOURS, draw

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

Reading = Mapping[str, float | None]
"""``{value, low, high}``; None lies beyond what was measured."""
WIDTH, HEIGHT, MARGIN = 132, 18, 5
"""Of a whisker."""
ROW, FLOOR, EDGE, FONT = 54, 32, 10, 15
"""Of the scores."""
BEYOND = 0.03
"""Of score, that the axis goes on at both ends."""


def whisker(reading: Reading, ends: tuple[float, float]) -> Markup:
    """Return a dot with its interval, on an axis from ``ends`` that all rows of a table share."""
    low, high = ends
    scale = (WIDTH - 2 * MARGIN) / ((high - low) or 1.0)

    def place(value: float | None, beyond: float) -> float:
        return MARGIN + ((beyond if value is None else value) - low) * scale

    def paint(figure: Figure) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Circle
        from matplotlib.transforms import IdentityTransform

        pixels, middle, ink = IdentityTransform(), HEIGHT / 2, COLOURS["ink"]  # axes would take most of the time
        zero, ends = [place(0, 0)] * 2, [place(reading["low"], low), place(reading["high"], high)]
        dotted: dict[str, Any] = {"color": COLOURS["soft"], "linewidth": 1, "linestyle": (0, (2, 2))}
        figure.add_artist(Line2D(zero, [0, HEIGHT], transform=pixels, **dotted))
        figure.add_artist(Line2D(ends, [middle, middle], transform=pixels, color=ink, linewidth=1.5))
        if reading["value"] is not None:
            centre = (place(reading["value"], 0), middle)
            figure.add_artist(Circle(centre, 3.5, transform=pixels, color=ink, gid="dot"))

    return draw(WIDTH, HEIGHT, 10, paint, "whisker")


def axis_ends(readings: Iterable[Reading]) -> tuple[float, float]:
    """Return the ends of an axis that holds zero and every reading."""
    values = [reading[end] for reading in readings for end in ("value", "low", "high")]
    measured = [0.0, *(value for value in values if value is not None)]
    return min(measured), max(measured)


def scores_on_one_axis(
    rows: Mapping[str, Mapping[str, float]], threshold: float, threshold_text: str, wide: bool
) -> Markup:
    """Return the figure in one of two sizes.

    Args:
        rows: ``{value, low, high}`` by what is written above it.
        threshold: a dotted line.
        threshold_text: what is written below the line.
        wide: for windows from 780 pixels on.
    """
    width, height = (960 if wide else 400), ROW * len(rows) + FLOOR
    low = max(0.0, min([threshold, *(row["low"] for row in rows.values())]) - BEYOND)
    high = min(1.0, max([threshold, *(row["high"] for row in rows.values())]) + BEYOND)

    def place(score: float) -> float:
        return EDGE + (score - low) / (high - low) * (width - 2 * EDGE)

    def paint(figure: Figure) -> None:
        axes, x = figure.add_axes((0, 0, 1, 1), frameon=False, xlim=(0, width), ylim=(height, 0)), place(threshold)
        axes.set_axis_off()
        for top, (text, row) in enumerate(rows.items()):
            middle = top * ROW + 36
            axes.text(0, middle - 18, text, fontweight="bold")
            axes.vlines(x, middle - 11, middle + 11, COLOURS["harm"], linewidth=1.8, linestyle=(0, (1, 2)))
            axes.hlines(middle, place(row["low"]), place(row["high"]), COLOURS["ink"], linewidth=2)
            axes.plot(place(row["value"]), middle, "o", color=COLOURS["ink"], markersize=10, gid="point")
        side = "left" if x < width / 3 else "right" if x > 2 * width / 3 else "center"
        axes.text(x, height - 8, threshold_text, ha=side, color=COLOURS["harm"])

    return draw(width, height, FONT, paint, f"picture {'wide' if wide else 'narrow'}")
