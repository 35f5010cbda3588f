"""Features that detect duplicates, conflicting labels, and leaks between the splits.

Splits are ordered train, dev, test. The row of the earlier split is always the one that fails, so that training data
never changes the test set.
"""

from typing import Any

from satiety.core.normalization import normalise
from satiety.core.records import Document, Example
from satiety.text.deduplication import HeldOut
from satiety.validate.table import Feature, Table

_RANK = {"train": 0, "dev": 1, "test": 2}
TWIN_COLUMNS = ("twin_of", "conflict_with", "in_held_out", "near_held_out", "group_across")
"""Columns with the id of another record."""


def twin_of(table: Table[Any]) -> list[str | None]:
    """Return the id of an earlier row of the same split with the same text and answer."""
    first: dict[object, str] = {}
    return [
        None if (twin := first.setdefault((text, _split(row), _answer(row)), row.id)) == row.id else twin
        for text, row in zip(table.normal_texts, table.rows, strict=True)
    ]


def conflict_with(table: Table[Any]) -> list[str | None]:
    """Return the id of a row of the same split with the same text and another answer."""
    answers: dict[tuple[str, str], dict[object, str]] = {}
    for text, row in zip(table.normal_texts, table.examples, strict=True):
        answers.setdefault((text, row.split), {}).setdefault(_answer(row), row.id)
    return [
        next((row_id for answer, row_id in answers[text, row.split].items() if answer != _answer(row)), None)
        for text, row in zip(table.normal_texts, table.examples, strict=True)
    ]


def in_held_out(table: Table[Any]) -> list[str | None]:
    """Return the id of an example of a later split with the same normalised text."""
    by_text: dict[str, list[Example]] = {}
    for example in table.held_out:
        by_text.setdefault(normalise(example.text), []).append(example)
    return [
        next((candidate.id for candidate in by_text.get(text, ()) if _is_later(candidate, row)), None)
        for text, row in zip(table.normal_texts, table.rows, strict=True)
    ]


def near_held_out(table: Table[Any]) -> list[str | None]:
    """Return the id of an example of a later split that this text nearly duplicates, contains, or is part of."""
    twin_ids: list[str | None] = [None] * len(table.rows)
    for rank in (0, 1):
        indices = [i for i, row in enumerate(table.rows) if _RANK[_split(row)] == rank]
        later = [example for example in table.held_out if _RANK[example.split] > rank]
        if indices and later:
            twins = HeldOut.from_examples(later, table.params.dedup_threshold).find_leaks(
                [table.texts[i] for i in indices]
            )
            for i, twin in zip(indices, twins, strict=True):
                twin_ids[i] = twin
    return twin_ids


def group_across(table: Table[Any]) -> list[str | None]:
    """Return the id of an example of a later split with the same group."""
    by_group: dict[str, list[Example]] = {}
    for example in table.held_out:
        by_group.setdefault(example.group, []).append(example)
    return [
        next(
            (candidate.id for candidate in by_group.get(row.group, ()) if row.group and _is_later(candidate, row)), None
        )
        for row in table.examples
    ]


def _split(row: Example | Document) -> str:
    return row.split if isinstance(row, Example) else "train"


def _answer(row: Example | Document) -> object:
    return row.answer if isinstance(row, Example) else None


def _is_later(held_out: Example, row: Example | Document) -> bool:
    return _RANK[held_out.split] > _RANK[_split(row)]


COLUMNS: dict[str, Feature] = {"twin_of": twin_of, "in_held_out": in_held_out}
EXAMPLE_COLUMNS: dict[str, Feature] = {
    "conflict_with": conflict_with,
    "near_held_out": near_held_out,
    "group_across": group_across,
}
