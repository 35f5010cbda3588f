"""Windows, and what an encoder made of them -> the solved head, and its answers: one way for tuning and the meter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.tuning.inputs import build_head

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.heads.solver import LinearProbe, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats


def solve_head(
    problem: Problem,
    windows: Sequence[Window],
    rows: Sequence[Floats],
    examples: Sequence[Example],
    solver: Solver,
    seed: int,
) -> LinearProbe | None:
    """Return the linear layer that learns from the examples; None where none of them has an answer to learn.

    All are learned from; its strength is chosen by those that people labelled. Copies stay with their parent.

    Args:
        problem: settled.
        windows: of the examples.
        rows: of each window its features, shape (hidden,), or (tokens, hidden) for a head over tokens.
        examples: that the windows are of.
        solver: the layer is solved.
        seed: of the sample of rows, and of the folds.
    """
    head = build_head(problem)
    owners = [examples[i] for i in head.owners(windows)]
    if not owners:
        return None
    groups, is_gold = [owner.parent or owner.id for owner in owners], [owner.origin != "pseudo" for owner in owners]
    return head.solve(*head.collect_targets(windows, rows), groups, head.size(problem), solver, seed, np.array(is_gold))


def calibrate_logits(head: LinearProbe, rows: Sequence[Floats]) -> list[Floats]:
    """Return the head's logits for rows as above, whose confidences are right as often as they say."""
    return [(row.astype(np.float64) @ head.weight.T + head.bias) / head.temperature for row in rows]


def fit_decoder(problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: LinearProbe) -> Problem:
    """Return the problem, its decoder fitted on the first window of each text that people labelled."""
    if not len(head.held_out):
        return problem
    is_scored = np.asarray(np.isfinite(head.held_out).all(axis=1))
    rows: dict[int, int] = {}
    for row, owner in enumerate(build_head(problem).owners(windows)):
        if is_scored[row] and train[owner].origin != "pseudo":
            rows.setdefault(owner, row)
    return problem.fit_decoder([train[owner] for owner in rows], head.held_out[list(rows.values())])
