"""Rows of cells -> a table that a screen reader can walk and a narrow window can scroll."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from satiety.worth.page.markup import Html, tag
from satiety.worth.page.voice import Reading

WIDE, HIGH = 132, 18


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    drawn: int | None = None,
) -> Html:
    """Return a table; the first cell of a row names it.

    Args:
        caption: what the table says.
        heads: of the columns; an empty one is no head.
        rows: their cells.
        numbers: columns set to the right.
        drawn: the column of pictures, which repeat numbers and may go where there is no room.
    """
    kinds = ["number" if i in numbers else "drawn" if i == drawn else None for i in range(len(heads))]
    top = [
        tag("th", head, scope="col", class_=kind) if head else tag("td", class_=kind)
        for head, kind in zip(heads, kinds, strict=True)
    ]
    body = [_row(row, kinds) for row in rows]
    inner = [tag("caption", caption), tag("thead", tag("tr", *top)), tag("tbody", *body)]
    return tag("div", tag("table", *inner), class_="scroll", role="region", tabindex="0", aria_label=caption)


def _row(row: Sequence[str], kinds: Sequence[str | None]) -> Html:
    first = tag("th", row[0], scope="row", class_=kinds[0])
    rest = [tag("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)]
    return tag("tr", first, *rest)


def whisker(reading: Reading, ends: tuple[float, float]) -> Html:
    """Return a reading as a dot with its interval against 0, on an axis from ``ends`` that rows share."""
    low, high = ends
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return 5 + (value - low) / span * (WIDE - 10)

    left = low if reading["low"] is None else reading["low"]
    right = high if reading["high"] is None else reading["high"]
    parts = [tag("line", x1=x(0), x2=x(0), y1=0, y2=HIGH, class_="zero")]
    parts.append(tag("line", x1=x(left), x2=x(right), y1=HIGH / 2, y2=HIGH / 2, class_="range"))
    if reading["value"] is not None:
        parts.append(tag("circle", cx=x(reading["value"]), cy=HIGH / 2, r=3.5))
    return tag("svg", *parts, viewBox=f"0 0 {WIDE} {HIGH}", class_="whisker", aria_hidden="true")


def ends(readings: Iterable[Reading]) -> tuple[float, float]:
    """Return an axis that holds 0 and every reading."""
    seen = [0.0, *(one[end] for one in readings for end in ("value", "low", "high") if one[end] is not None)]
    return min(seen), max(seen)
