"""Test set -> slices that must not get worse, and the scores of two systems on each.

A label's score is its F1 over the whole set. A language, or a third of the texts by length, is scored by accuracy, or
by the headline metric if the problem has no accuracy. (Macro-F1 of a slice without one of the labels can change by half
with a single answer.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.answers import labels_of
from satiety.evaluate.bootstrap import Resampling, assign_groups
from satiety.promotion import Slice
from satiety.promotion.paired_bootstrap import PairedMetric, compare_paired

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems import Problem
    from satiety.problems.base import Floats

THIRDS = ("short", "middling", "long")


def compare_slices(
    problem: Problem,
    gold: Sequence[Example],
    champion: Floats,
    challenger: Floats,
    kinds: Sequence[Slice],
    min_examples: int,
    resampling: Resampling,
) -> dict[str, PairedMetric]:
    """Return both systems' scores on each slice, by name of the slice: ``language zh``.

    Args:
        problem: with its labels fitted.
        gold: the test examples.
        champion: tallies of the champion, shape (examples, counts).
        challenger: tallies of the challenger, same shape.
        kinds: kinds of slices.
        min_examples: smaller slices are left out.
        resampling: seed and number of resamples.
    """
    metric = "accuracy" if "accuracy" in problem.metrics else problem.headline
    pairs: dict[str, PairedMetric] = {}
    if "label" in kinds:
        overall = compare_paired(problem.score, champion, challenger, assign_groups(gold), resampling)
        pairs |= {
            f"label {name}": overall[f"f1/{name}"]
            for name in _select_labels(gold, min_examples)
            if f"f1/{name}" in overall
        }
    for name, rows in _split_parts(gold, kinds):
        if len(rows) >= min_examples:
            groups = assign_groups([gold[row] for row in rows])
            pairs[name] = compare_paired(problem.score, champion[rows], challenger[rows], groups, resampling)[metric]
    return pairs


def _select_labels(gold: Sequence[Example], min_examples: int) -> list[str]:
    """Return the labels, or entity types, of at least ``min_examples`` examples."""
    counts = Counter(name for example in gold for name in labels_of([example.answer]))
    return sorted(name for name, count in counts.items() if count >= min_examples)


def _split_parts(gold: Sequence[Example], kinds: Sequence[Slice]) -> Iterator[tuple[str, list[int]]]:
    if "language" in kinds:
        for language in sorted({example.language for example in gold if example.language}):
            yield f"language {language}", [i for i, example in enumerate(gold) if example.language == language]
    if "length" in kinds:
        lengths = [len(example.text) for example in gold]
        third = np.searchsorted(np.quantile(lengths, [1 / 3, 2 / 3]), lengths)
        for number, name in enumerate(THIRDS):
            yield f"length {name}", np.flatnonzero(third == number).tolist()
