"""One number per text: a rating, a price, how alike two texts are. The loss is the mean squared error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.errors import ModelError
from satiety.heads.base import HEADS, PerText

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from satiety.heads.solver import Solved, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats


@HEADS.register("score")
class ScoreHead(PerText):
    """Answer once per text: one number."""

    def size(self, problem: Problem) -> int:
        return 1

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        import torch

        return torch.tensor([window.targets[0] if window.targets else np.nan for window in windows])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error; shapes (windows, 1) and (windows,).

        Raises:
            ModelError: no window has a target.
        """
        known = ~targets.isnan()
        if not known.any():
            raise ModelError("a batch holds no number to learn; look at the examples' answers")
        return ((outputs.squeeze(-1)[known] - targets[known].to(outputs.dtype)) ** 2).mean()

    def divergence(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """Return the squared differences, shape (windows,)."""
        return ((outputs - wanted.detach()) ** 2).squeeze(-1)

    def check(self, window: Window, problem: Problem) -> None:
        if not np.isfinite(window.targets).all():
            raise ModelError(f"{window.targets} is no number that can be learned")

    def pairs(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        found = [(row, window.targets[0]) for window, row in zip(windows, rows, strict=True) if window.targets]
        return np.array([row for row, _ in found]), np.array([target for _, target in found], dtype=np.float64)

    def solve(
        self,
        features: Floats,
        targets: Floats,
        groups: Sequence[str],
        size: int,
        solver: Solver,
        seed: int,
        judged: NDArray[np.bool_],
    ) -> Solved:
        """Return the layer that solves a ridge regression, its penalty chosen by cross-validated squared error.

        Targets are scaled to unit variance, so that a strength means the same whatever the numbers' unit.
        Source: Hoerl & Kennard 1970, "Ridge regression" (Technometrics 12:55).
        """
        from satiety.heads.solver import Solved, centred, part, sample

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
