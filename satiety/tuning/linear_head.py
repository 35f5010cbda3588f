"""Windows and their features -> the solved linear head and its logits; shared by tuning and the study of worth."""

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
    """Fit the linear layer to the examples; None where no example has a target.

    All examples are fitted, but the penalty is chosen on human labels only. Copies stay in the fold of their parent.

    Args:
        problem: the problem, with its label set fixed.
        windows: the windows of the examples.
        rows: features of each window, shape (hidden,), or (tokens, hidden) for a head over tokens.
        examples: the examples that ``windows`` refers to.
        solver: parameters of the fit.
        seed: random seed of the sample of rows and of the folds.
    """
    head = build_head(problem)
    owners = [examples[i] for i in head.owners(windows)]
    if not owners:
        return None
    groups, is_gold = [example.owner for example in owners], [example.origin != "pseudo_label" for example in owners]
    return head.solve(*head.collect_targets(windows, rows), groups, head.size(problem), solver, seed, np.array(is_gold))


def calibrate_logits(head: LinearProbe, rows: Sequence[Floats]) -> list[Floats]:
    """Return the head's temperature-scaled logits for features as in ``solve_head``."""
    return [(row.astype(np.float64) @ head.weight.T + head.bias) / head.temperature for row in rows]


def fit_decoder(problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: LinearProbe) -> Problem:
    """Return the problem with its decoder fitted on held-out probabilities of the first window of each gold text."""
    if not len(head.held_out):
        return problem
    is_scored = np.asarray(np.isfinite(head.held_out).all(axis=1))
    rows: dict[int, int] = {}
    for row, owner in enumerate(build_head(problem).owners(windows)):
        if is_scored[row] and train[owner].origin != "pseudo_label":
            rows.setdefault(owner, row)
    return problem.fit_decoder([train[owner] for owner in rows], head.held_out[list(rows.values())])
