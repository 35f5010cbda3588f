"""Features that detect invalid spans."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from satiety.core.answers import Span
from satiety.core.records import Example
from satiety.text.words import split_units
from satiety.validate.table import Feature, Table


def span_count(table: Table[Any]) -> list[int]:
    """Return the number of spans."""
    return [len(_mentions(row)) for row in table.examples]


def span_outside(table: Table[Any]) -> list[str | None]:
    """Return the first span that is empty or out of the text's range."""
    return _find_spans(table, lambda row, span: not 0 <= span.start < span.end <= len(row.text))


def span_blank(table: Table[Any]) -> list[str | None]:
    """Return the first span that is only white space."""
    return _find_spans(table, lambda row, span: row.text[max(0, span.start) : span.end].isspace())


def span_unknown(table: Table[Any]) -> list[str | None]:
    """Return the first span with a label outside the problem's label set."""
    allowed = [set(row.answer.restrict(table.labels).mentions) if row.answer else set() for row in table.examples]
    pairs = zip(table.examples, allowed, strict=True)
    return [_format_first(row, (span for span in _mentions(row) if span not in valid)) for row, valid in pairs]


def span_disorder(table: Table[Any]) -> list[str | None]:
    """Return the first span that starts before the previous one ends: overlapping or out of order."""
    return [
        _format_first(row, (span for previous, span in pairwise(_mentions(row)) if span.start < previous.end))
        for row in table.examples
    ]


def span_cut(table: Table[Any]) -> list[str | None]:
    """Return the first span with an edge inside a word or at white space, which a unit tagger cannot predict."""
    return [_find_cut(row) if _mentions(row) else None for row in table.examples]


def _mentions(row: Example) -> tuple[Span, ...]:
    return row.answer.mentions if row.answer else ()


def _find_cut(row: Example) -> str | None:
    units = split_units(row.text)
    starts, ends = {start for start, _ in units}, {end for _, end in units}
    return _format_first(row, (span for span in _mentions(row) if span.start not in starts or span.end not in ends))


def _find_spans(table: Table[Any], is_wrong: Callable[[Example, Span], bool]) -> list[str | None]:
    return [_format_first(row, (s for s in _mentions(row) if is_wrong(row, s))) for row in table.examples]


def _format_first(row: Example, spans: Iterable[Span]) -> str | None:
    """Return the first span with its text, or None."""
    return next((f"{span} {row.text[max(0, span.start) : span.end][:40]!r}" for span in spans), None)


EXAMPLE_COLUMNS: dict[str, Feature] = {
    "span_count": span_count,
    "span_outside": span_outside,
    "span_blank": span_blank,
    "span_unknown": span_unknown,
    "span_disorder": span_disorder,
    "span_cut": span_cut,
}
