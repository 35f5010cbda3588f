"""Rows of levers -> the arrows worth drawing, the most telling first.

The rule: first the best lever set at the *focus* budget (the headline's, if it names one), then every single lever
there, then the best lever set at every other budget. The figure draws them in this order as long as there is room for
the arrow and its name; whatever is left is in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from satiety.worth.page.voice import Voice

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From a lever's score at its budget, level to the curve of plain."""

    lever: str
    budget: int
    score: float
    low: float
    high: float
    """Of the gain's interval, laid on plain's score: clear of that score where the gain is clear of 0."""
    worth: Mapping[str, float | None]
    verdict: str
    main: bool
    """Whether it is what the headline says."""
    name: str
    said: str
    """What goes on after the name: *at 60 = 93 labels [61, 140]*."""

    @property
    def text(self) -> str:
        """Return all that is said of it."""
        return f"{self.name} {self.said}"

    @property
    def helps(self) -> bool:
        """Return whether it points to more labels than were spent."""
        value = self.worth["value"]
        return value is None or value > self.budget


def arrows(report: Mapping[str, Any], voice: Voice) -> list[Arrow]:
    """Return every candidate by priority."""
    rows = [row for row in report["levers"] if row.get("score") is not None]
    if not rows:
        return []
    focus, main = _focus(report, rows)
    there = sorted((row for row in rows if row["budget"] == focus), key=_score, reverse=True)
    singles = [row for row in there if "+" not in row["lever"]]
    elsewhere = [_best(rows, n) for n in sorted({row["budget"] for row in rows} - {focus})]
    picked = [main, *(row for row in singles if row is not main), *elsewhere]
    return [_arrow(row, row is main, voice) for row in picked]


def focus(report: Mapping[str, Any]) -> int:
    """Return the budget the page looks at first."""
    rows = [row for row in report["levers"] if row.get("score") is not None]
    return _focus(report, rows)[0] if rows else int(report["budgets"][-1])


def _focus(report: Mapping[str, Any], rows: Sequence[Row]) -> tuple[int, Row]:
    """Return the headline's budget and row; where it names none, those of the best that is worth it, far up the curve.

    Without a name from the headline, a worth that is a number counts before one beyond the range, and a larger
    distance from the budget, in labels, before a smaller one.
    """
    named = report["headline"]
    for row in rows:
        if row["budget"] == named.get("budget") and row["lever"] == named.get("lever"):
            return row["budget"], row
    best = [_best(rows, n) for n in sorted({row["budget"] for row in rows})]
    main = max(best, key=lambda row: (row["verdict"] == "worth it", _bounded(row), _distance(row)))
    return main["budget"], main


def _bounded(row: Row) -> int:
    """Return how many of the worth's three numbers were measured."""
    return sum(row["labels"][name] is not None for name in ("value", "low", "high"))


def _distance(row: Row) -> float:
    return (row["labels"]["value"] or 0) - float(row["budget"])


def _best(rows: Sequence[Row], budget: int) -> Row:
    return max((row for row in rows if row["budget"] == budget), key=_score)


def _score(row: Row) -> float:
    return float(row["score"])


def _arrow(row: Row, main: bool, voice: Voice) -> Arrow:
    score, gain = float(row["score"]), row["gain"]
    plain = score - (gain["value"] or 0.0)
    low, high = (score if gain[end] is None else plain + gain[end] for end in ("low", "high"))
    name, worth = voice.lever(row["lever"]), voice.worth(row["labels"])
    budget = voice.count(row["budget"])
    return Arrow(
        lever=row["lever"],
        budget=row["budget"],
        score=score,
        low=low,
        high=high,
        worth=row["labels"],
        verdict=row["verdict"],
        main=main,
        name=name,
        said=voice("at", budget=budget, worth=worth),
    )
