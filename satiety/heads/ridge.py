"""Features and numbers -> the linear layer that predicts the numbers, by ridge regression.

Source: Hoerl & Kennard 1970, "Ridge regression" (Technometrics 12:55).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.solver import LinearProbe, Solver, sample_rows, split_folds, standardize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats


def solve_ridge(
    features: Floats, targets: Floats, groups: Sequence[str], solver: Solver, seed: int, eval_mask: NDArray[np.bool_]
) -> LinearProbe:
    """Fit a layer with one output; the penalty is chosen by cross-validated squared error.

    Targets are scaled to unit variance, so that a penalty does not depend on the unit of the numbers.

    Args:
        features: shape (targets, hidden).
        targets: shape (targets,).
        groups: one group name per target; rows of a group stay in the same fold.
        solver: parameters of the fit.
        seed: random seed of the sample of rows and of the folds.
        eval_mask: rows on which the penalty is chosen, shape (targets,); all rows are fitted.
    """
    indices = sample_rows(len(targets), solver.rows, seed)
    rows, center, scale = standardize(features[indices])
    mean, spread = float(targets[indices].mean()), float(targets[indices].std()) or 1.0
    numbers, mask = (targets[indices] - mean) / spread, eval_mask[indices]
    strata = np.zeros(len(indices), dtype=np.int64)  # folds are not stratified by number
    folds = list(split_folds(strata, [groups[i] for i in indices], solver.folds, np.random.default_rng(seed)))
    penalties = sorted(solver.l2, reverse=True)
    errors = [(_held_out(rows, numbers, folds, penalty) - numbers)[mask] ** 2 for penalty in penalties]
    best_penalty = penalties[int(np.argmin([error.mean() for error in errors]))]
    weight = _ridge(rows, numbers, best_penalty) * spread / scale
    return LinearProbe(weight[None], np.array([mean - weight @ center]), best_penalty)


def _held_out(rows: Floats, numbers: Floats, folds: Sequence[NDArray[np.bool_]], penalty: float) -> Floats:
    """Return cross-validated predictions; 0, the mean, where no training row is left."""
    predictions = np.zeros(len(rows))
    for mask in folds:
        if mask.any() and not mask.all():
            predictions[mask] = rows[mask] @ _ridge(rows[~mask], numbers[~mask], penalty)
    return predictions


def _ridge(rows: Floats, numbers: Floats, penalty: float) -> Floats:
    """Return the weights that minimise mean squared error plus ``penalty`` · ‖w‖², shape (hidden,)."""
    if len(rows) < rows.shape[1]:  # the dual problem is smaller
        kernel = rows @ rows.T + penalty * len(rows) * np.eye(len(rows))
        return np.asarray(rows.T @ np.linalg.solve(kernel, numbers))
    normal = rows.T @ rows + penalty * len(rows) * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(normal, rows.T @ numbers))
