"""Several scores with their intervals on one axis, and the score below which there is harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from satiety.report.charts.canvas import COLOURS, draw

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

ROW, FLOOR, MARGIN, FONT = 54, 32, 10, 15
BEYOND = 0.03
"""Of score, that the axis goes on at both ends."""


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
        return MARGIN + (score - low) / (high - low) * (width - 2 * MARGIN)

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
