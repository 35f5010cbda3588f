"""Columns of a table for the expectations: the fields of its records, and computed features.

To add a feature, write a function from a `Table` to one value per row, and register it in its module's ``COLUMNS`` (any
text) or ``EXAMPLE_COLUMNS`` (labelled examples). Only columns named by a suite are computed.
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
    """Return the features for records of a kind, by column name."""
    return EXAMPLE_FEATURES if kind is Example else TEXT_FEATURES


def compute_columns(table: Table[Any], requested: Iterable[str]) -> dict[str, list[Any]]:
    """Return the record fields of a table and the requested features, by column name."""
    names = _field_names(table.kind, table.problem)
    values = {name: [_to_cell(row, name, table.problem.gold) for row in table.rows] for name in names}
    selected = set(requested)
    return values | {
        name: list(feature(table)) for name, feature in get_features(table.kind).items() if name in selected
    }


def column_names(kind: type[Example] | type[Document], problem: Problem) -> list[str]:
    """Return all columns that are available to expectations about records of a kind."""
    return [*_field_names(kind, problem), *get_features(kind)]


def _field_names(kind: type[Example] | type[Document], problem: Problem) -> list[str]:
    """Return the field names of records of a kind; for examples, with the problem's names of inputs and answer."""
    aliases = {"inputs": problem.inputs, "answer": (problem.gold,)} if kind is Example else {}
    return [name for field in fields(kind) for name in aliases.get(field.name, (field.name,))]


def _to_cell(row: Example | Document, name: str, gold: str) -> Any:
    """Return a value for a data frame: answers and spans as text, such as ``0:5 PER; 9:12 LOC``."""
    if isinstance(row, Document) or name not in {*row.inputs, gold}:
        return getattr(row, name)
    if name == gold:
        return None if row.answer is None else str(row.answer)
    value = row.inputs[name]
    return value if isinstance(value, str) else "; ".join(map(str, value))
