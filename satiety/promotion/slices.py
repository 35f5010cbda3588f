"""A test set -> the parts of it that nobody may be made worse off in, and what two systems reach there.

Of a label it is the F1 over the whole set; of a language, and of the short, middling and long third of the texts, the
accuracy over that part, or the headline metric where a problem has none. (Macro-F1 swings by half where a label is
missing from a part and one answer names it.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.answers import labels_of
from satiety.evaluate.bootstrap import Resampling, groups_of
from satiety.promotion import Slice
from satiety.promotion.paired import Paired, paired

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.problems.base import Floats
    from satiety.records import Example

THIRDS = ("short", "middling", "long")


def sliced(
    problem: Problem,
    gold: Sequence[Example],
    old: Floats,
    new: Floats,
    kinds: Sequence[Slice],
    least: int,
    how: Resampling,
) -> dict[str, Paired]:
    """Return what both reach in each slice of at least ``least`` examples, by its name: ``language zh``.

    Args:
        problem: settled.
        gold: the test examples.
        old: the one system's tallies of them, shape (examples, counts).
        new: the other's.
        kinds: of slices.
        least: examples that a slice must have.
        how: seed and number of resamples.
    """
    metric = "accuracy" if "accuracy" in problem.metrics else problem.headline
    found: dict[str, Paired] = {}
    if "label" in kinds:
        whole = paired(problem.score, old, new, groups_of(gold), how)
        found |= {f"label {name}": whole[f"f1/{name}"] for name in _labels(gold, least) if f"f1/{name}" in whole}
    for name, rows in _parts(gold, kinds):
        if len(rows) >= least:
            groups = groups_of([gold[row] for row in rows])
            found[name] = paired(problem.score, old[rows], new[rows], groups, how)[metric]
    return found


def _labels(gold: Sequence[Example], least: int) -> list[str]:
    """Return the labels, or kinds of entity, that enough examples have."""
    counts = Counter(name for example in gold for name in labels_of([example.answer]))
    return sorted(name for name, count in counts.items() if count >= least)


def _parts(gold: Sequence[Example], kinds: Sequence[Slice]) -> Iterator[tuple[str, list[int]]]:
    if "language" in kinds:
        for language in sorted({example.language for example in gold if example.language}):
            yield f"language {language}", [i for i, example in enumerate(gold) if example.language == language]
    if "length" in kinds:
        lengths = [len(example.text) for example in gold]
        third = np.searchsorted(np.quantile(lengths, [1 / 3, 2 / 3]), lengths)
        for number, name in enumerate(THIRDS):
            yield f"length {name}", np.flatnonzero(third == number).tolist()
