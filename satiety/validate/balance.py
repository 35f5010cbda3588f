"""Features of the distribution of labels over the splits."""

from collections import Counter
from typing import Any

from satiety.core.answers import labels_of
from satiety.validate.table import Feature, Table


def label_count(table: Table[Any]) -> list[int]:
    """Return the number of examples in the row's split with its label."""
    keys = [(row.split, label) for row, label in zip(table.examples, table.single_labels, strict=True)]
    counts = Counter(keys)
    return [counts[key] for key in keys]


def label_share(table: Table[Any]) -> list[float]:
    """Return the share of examples in the row's split with its label."""
    sizes = Counter(row.split for row in table.examples)
    return [count / sizes[row.split] for count, row in zip(label_count(table), table.examples, strict=True)]


def labels_missing(table: Table[Any]) -> list[str | None]:
    """Return the labels of the problem that are missing in the row's split; None if all are present."""
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
