"""One number per text, such as a rating or a similarity. The loss is the mean squared error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.errors import ModelError
from satiety.heads.base import HEADS, PerText

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from satiety.heads.solver import LinearProbe, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats


@HEADS.register("score")
class ScoreHead(PerText):
    """Predict one number per text."""

    def size(self, problem: Problem) -> int:
        return 1

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        import torch

        return torch.tensor([window.targets[0] if window.targets else np.nan for window in windows])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error; outputs have shape (windows, 1), targets (windows,).

        Raises:
            ModelError: no window has a target.
        """
        valid = ~targets.isnan()
        if not valid.any():
            raise ModelError("a batch contains only unlabelled texts: check the numbers of the examples")
        return ((outputs.squeeze(-1)[valid] - targets[valid].to(outputs.dtype)) ** 2).mean()

    def divergence(self, outputs: Tensor, reference: Tensor) -> Tensor:
        """Return the squared differences, shape (windows,)."""
        return ((outputs - reference.detach()) ** 2).squeeze(-1)

    def check(self, window: Window, problem: Problem) -> None:
        if not np.isfinite(window.targets).all():
            raise ModelError(f"the target {window.targets[0]} of {problem.kind} is not a finite number")

    def collect_targets(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        labelled_rows = [(row, window.targets[0]) for window, row in zip(windows, rows, strict=True) if window.targets]
        return np.array([row for row, _ in labelled_rows]), np.array(
            [target for _, target in labelled_rows], dtype=np.float64
        )

    def solve(
        self,
        features: Floats,
        targets: Floats,
        groups: Sequence[str],
        size: int,
        solver: Solver,
        seed: int,
        eval_mask: NDArray[np.bool_],
    ) -> LinearProbe:
        """Fit the layer by ridge regression."""
        from satiety.heads.ridge import solve_ridge

        return solve_ridge(features, targets, groups, solver, seed, eval_mask)
