"""A table -> its columns: the fields of its records, and the features that expectations look at.

To add a feature, write a function from a `Table` to one value per row, and name it in its module's ``COLUMNS`` (for any
text) or ``EXAMPLE_COLUMNS`` (for labelled examples). Only columns that a suite names are ever computed.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from satiety.core.records import Document, Example
from satiety.problems.base import Problem
from satiety.validate import balance, leaks, overlap, spans, texts
from satiety.validate.table import Feature, Table

TEXT_FEATURES: dict[str, Feature] = {**texts.COLUMNS, **overlap.COLUMNS}
"""Features of any text."""
EXAMPLE_FEATURES: dict[str, Feature] = {
    **TEXT_FEATURES,
    **overlap.EXAMPLE_COLUMNS,
    **balance.EXAMPLE_COLUMNS,
    **leaks.EXAMPLE_COLUMNS,
    **spans.EXAMPLE_COLUMNS,
}
"""Features of labelled examples."""


def get_features(kind: type[Example] | type[Document]) -> dict[str, Feature]:
    """Return the features that records of a kind have, by column name."""
    return EXAMPLE_FEATURES if kind is Example else TEXT_FEATURES


def compute_columns(table: Table[Any], requested: Iterable[str]) -> dict[str, list[Any]]:
    """Return the record fields of a table, and those of its features that are wanted."""
    names = _field_names(table.kind, table.problem)
    values = {name: [_to_cell(row, name, table.problem.gold) for row in table.rows] for name in names}
    selected = set(requested)
    return values | {
        name: list(feature(table)) for name, feature in get_features(table.kind).items() if name in selected
    }


def column_names(kind: type[Example] | type[Document], problem: Problem) -> list[str]:
    """Return every column that an expectation about records of a kind can name."""
    return [*_field_names(kind, problem), *get_features(kind)]


def _field_names(kind: type[Example] | type[Document], problem: Problem) -> list[str]:
    """Return what records of a kind have; of examples, each input and the answer by the names that users know."""
    aliases = {"inputs": problem.inputs, "answer": (problem.gold,)} if kind is Example else {}
    return [name for field in fields(kind) for name in aliases.get(field.name, (field.name,))]


def _to_cell(row: Example | Document, name: str, gold: str) -> Any:
    """Return a value that a data frame takes: an answer as people read it, spans as ``0:5 PER; 9:12 LOC``."""
    if isinstance(row, Document) or name not in {*row.inputs, gold}:
        return getattr(row, name)
    if name == gold:
        return None if row.answer is None else str(row.answer)
    value = row.inputs[name]
    return value if isinstance(value, str) else "; ".join(map(str, value))
