"""Columns that name the row another row repeats: what would be counted twice, contradict itself, or leak the test.

A split is later than another in the order train, dev, test. It is always the row of the earlier split that is named, so
that what the model is trained on never decides what it is tested on.
"""

from typing import Any

from satiety.neardup import HeldOut
from satiety.records import Document, Example
from satiety.validate.table import Feature, Table
from satiety.words import normalise

_RANK = {"train": 0, "dev": 1, "test": 2}
TWINS = ("twin_of", "conflict_with", "in_held_out", "near_held_out", "group_across")
"""Columns that hold the id of another record."""


def twin_of(table: Table[Any]) -> list[str | None]:
    """Return the id of an earlier row of the same split that has the same text and the same answer."""
    first: dict[object, str] = {}
    return [
        None if (own := first.setdefault((text, _split(row), _answer(row)), row.id)) == row.id else own
        for text, row in zip(table.normal, table.rows, strict=True)
    ]


def conflict_with(table: Table[Any]) -> list[str | None]:
    """Return the id of a row of the same split that has the same text and another answer: one of them is wrong."""
    seen: dict[tuple[str, str], dict[object, str]] = {}
    for text, row in zip(table.normal, table.examples, strict=True):
        seen.setdefault((text, row.split), {}).setdefault(_answer(row), row.id)
    return [
        next((own for answer, own in seen[text, row.split].items() if answer != _answer(row)), None)
        for text, row in zip(table.normal, table.examples, strict=True)
    ]


def in_held_out(table: Table[Any]) -> list[str | None]:
    """Return the id of an example of a later split whose text this is, case and white space aside."""
    held: dict[str, list[Example]] = {}
    for example in table.held_out:
        held.setdefault(normalise(example.text), []).append(example)
    return [
        next((other.id for other in held.get(text, ()) if _later(other, row)), None)
        for text, row in zip(table.normal, table.rows, strict=True)
    ]


def near_held_out(table: Table[Any]) -> list[str | None]:
    """Return the id of an example of a later split that this text nearly repeats, contains, or is a long part of."""
    found: list[str | None] = [None] * len(table.rows)
    for rank in (0, 1):
        own = [i for i, row in enumerate(table.rows) if _RANK[_split(row)] == rank]
        later = [other for other in table.held_out if _RANK[other.split] > rank]
        if own and later:
            twins = HeldOut.of(later, table.params.near_duplicate).twins([table.texts[i] for i in own])
            for i, twin in zip(own, twins, strict=True):
                found[i] = twin
    return found


def group_across(table: Table[Any]) -> list[str | None]:
    """Return the id of an example of a later split that is of the same group."""
    held: dict[str, list[Example]] = {}
    for example in table.held_out:
        held.setdefault(example.group, []).append(example)
    return [
        next((other.id for other in held.get(row.group, ()) if row.group and _later(other, row)), None)
        for row in table.examples
    ]


def _split(row: Example | Document) -> str:
    return row.split if isinstance(row, Example) else "train"


def _answer(row: Example | Document) -> object:
    return row.answer if isinstance(row, Example) else None


def _later(held: Example, row: Example | Document) -> bool:
    return _RANK[held.split] > _RANK[_split(row)]


COLUMNS: dict[str, Feature] = {"twin_of": twin_of, "in_held_out": in_held_out}
EXAMPLE_COLUMNS: dict[str, Feature] = {
    "conflict_with": conflict_with,
    "near_held_out": near_held_out,
    "group_across": group_across,
}
