"""Columns that say how the labels are spread over the splits."""

from collections import Counter
from typing import Any

from satiety.core.answers import labels_of
from satiety.validate.table import Feature, Table


def label_count(table: Table[Any]) -> list[int]:
    """Count the examples of the row's split that have its label."""
    keys = [(row.split, label) for row, label in zip(table.examples, table.single_labels, strict=True)]
    counts = Counter(keys)
    return [counts[key] for key in keys]


def label_share(table: Table[Any]) -> list[float]:
    """Return the share of the row's split that has its label."""
    sizes = Counter(row.split for row in table.examples)
    return [count / sizes[row.split] for count, row in zip(label_count(table), table.examples, strict=True)]


def labels_missing(table: Table[Any]) -> list[str | None]:
    """Name the labels of the problem that no example of the row's split has; None where every one is there."""
    missing: dict[str, str | None] = {}
    for split in {row.split for row in table.examples}:
        present = {label for row in table.examples if row.split == split for label in labels_of([row.answer])}
        missing[split] = ", ".join(sorted(set(table.labels) - present)) or None
    return [missing[row.split] for row in table.examples]


EXAMPLE_COLUMNS: dict[str, Feature] = {
    "label_count": label_count,
    "label_share": label_share,
    "labels_missing": labels_missing,
}
