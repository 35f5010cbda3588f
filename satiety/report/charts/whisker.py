"""A value with its interval against zero -> a small chart for a cell of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from satiety.report.charts.canvas import COLOURS, draw

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

WIDTH, HEIGHT, MARGIN = 132, 18, 5

Reading = Mapping[str, float | None]
"""``{value, low, high}``; None lies beyond what was measured."""


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
