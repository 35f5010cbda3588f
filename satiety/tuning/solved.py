"""Windows, and what an encoder made of them -> the solved head, and its answers: one way for tuning and the meter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.problems import IGNORE
from satiety.tuning.head import Head, Solver, solve

if TYPE_CHECKING:
    from satiety.problems import Window
    from satiety.problems.base import Floats
    from satiety.records import Example


def head_of(
    windows: Sequence[Window], rows: Sequence[Floats], examples: Sequence[Example], classes: int, how: Solver, seed: int
) -> Head | None:
    """Return the head that learns from the examples; None where none of them has a label.

    All are learned from; its strength is chosen by those that people labelled. Copies stay with their parent.

    Args:
        windows: of the examples.
        rows: of each window its features, shape (hidden,), or (tokens, hidden) for a head over tokens.
        examples: that the windows are of.
        classes: of the problem.
        how: the head is solved.
        seed: of the sample of rows, and of the folds.
    """
    targets = [np.array(window.targets) for window in windows]
    kept = [answers != IGNORE for answers in targets]
    owners = [examples[window.example] for window, has in zip(windows, kept, strict=True) for _ in range(has.sum())]
    if not owners:
        return None
    return solve(
        np.concatenate([np.atleast_2d(row)[has] for row, has in zip(rows, kept, strict=True)]),
        np.concatenate([answers[has] for answers, has in zip(targets, kept, strict=True)]),
        [owner.parent or owner.id for owner in owners],
        classes,
        how,
        seed,
        np.array([owner.origin != "pseudo" for owner in owners]),
    )


def calibrated(head: Head, rows: Sequence[Floats]) -> list[Floats]:
    """Return the head's logits for rows as above, whose confidences are right as often as they say."""
    return [(row.astype(np.float64) @ head.weight.T + head.bias) / head.temperature for row in rows]
