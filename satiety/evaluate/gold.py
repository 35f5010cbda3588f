"""Test and training examples -> the examples that are scored: the test, or where there is none, every label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from satiety.core.records import Example

ScoredOn = Literal["test", "out_of_fold"]
"""``out_of_fold``: on the labels that people gave for training, each predicted by a model that has not seen it."""


def select_gold(test: Iterable[Example], train: Iterable[Example]) -> tuple[list[Example], ScoredOn]:
    """Return the examples to score, and what they are.

    Args:
        test: test examples; none where the labels cannot fill a test.
        train: training examples; those that people labelled are scored where there is no test.
    """
    examples = list(test)
    return (examples, "test") if examples else ([e for e in train if e.origin == "gold"], "out_of_fold")
