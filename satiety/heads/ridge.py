"""Features and numbers -> the linear layer that foretells the numbers: ridge regression, for heads that answer by one.

Source: Hoerl & Kennard 1970, "Ridge regression" (Technometrics 12:55).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.solver import Solved, Solver, centred, part, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats


def solve_ridge(
    features: Floats, targets: Floats, groups: Sequence[str], solver: Solver, seed: int, judged: NDArray[np.bool_]
) -> Solved:
    """Return the layer of one output; its penalty is chosen by cross-validated squared error.

    Targets are scaled to unit variance, so that a strength means the same whatever the numbers' unit.

    Args:
        features: shape (targets, hidden).
        targets: shape (targets,).
        groups: rows of one group are never divided between learning and judging.
        solver: how.
        seed: of the sample of rows, and of the folds.
        judged: the rows by which the penalty is chosen, shape (targets,); all are learned from.
    """
    chosen = sample(len(targets), solver.rows, seed)
    rows, middle, scale = centred(features[chosen])
    mean, spread = float(targets[chosen].mean()), float(targets[chosen].std()) or 1.0
    numbers, asked = (targets[chosen] - mean) / spread, judged[chosen]
    alike = np.zeros(len(chosen), dtype=np.int64)  # numbers are no classes to be spread over the folds
    folds = list(part(alike, [groups[i] for i in chosen], solver.folds, np.random.default_rng(seed)))
    strengths = sorted(solver.strengths, reverse=True)
    errors = [(_held_out(rows, numbers, folds, strength) - numbers)[asked] ** 2 for strength in strengths]
    best = strengths[int(np.argmin([error.mean() for error in errors]))]
    weight = _ridge(rows, numbers, best) * spread / scale
    return Solved(weight[None], np.array([mean - weight @ middle]), best)


def _held_out(rows: Floats, numbers: Floats, folds: Sequence[NDArray[np.bool_]], strength: float) -> Floats:
    """Return what is foretold of rows that were not learned from; the mean, 0, where nothing else is left."""
    foretold = np.zeros(len(rows))
    for held in folds:
        if held.any() and not held.all():
            foretold[held] = rows[held] @ _ridge(rows[~held], numbers[~held], strength)
    return foretold


def _ridge(rows: Floats, numbers: Floats, strength: float) -> Floats:
    """Return the weights of least mean squared error plus ``strength`` times their square, shape (hidden,)."""
    if len(rows) < rows.shape[1]:  # the dual is smaller
        kernel = rows @ rows.T + strength * len(rows) * np.eye(len(rows))
        return np.asarray(rows.T @ np.linalg.solve(kernel, numbers))
    normal = rows.T @ rows + strength * len(rows) * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(normal, rows.T @ numbers))
