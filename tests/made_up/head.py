"""A number with the Huber loss (Huber 1964, "Robust Estimation of a Location Parameter")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.base import HEADS, PerText

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from satiety.heads.solver import LinearProbe, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats


@HEADS.register("made_up")
class MadeUp(PerText):
    """Predict one number with a loss that outliers affect less."""

    def size(self, problem: Problem) -> int:
        return 1

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        import torch

        return torch.tensor([window.targets[0] if window.targets else np.nan for window in windows])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        from torch.nn.functional import huber_loss

        candidates = ~targets.isnan()
        return huber_loss(outputs.squeeze(-1)[candidates], targets[candidates].to(outputs.dtype))

    def divergence(self, outputs: Tensor, reference: Tensor) -> Tensor:
        return (outputs - reference.detach()).abs().squeeze(-1)

    def check(self, window: Window, problem: Problem) -> None:
        assert np.isfinite(window.targets).all()

    def collect_targets(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        labelled = [(row, window.targets[0]) for window, row in zip(windows, rows, strict=True) if window.targets]
        return np.array([row for row, _ in labelled]), np.array([target for _, target in labelled], dtype=np.float64)

    def solve(
        self,
        features: Floats,
        targets: Floats,
        groups: Sequence[str],
        size: int,
        solver: Solver,
        seed: int,
        judged: NDArray[np.bool_],
    ) -> LinearProbe:
        from satiety.heads.ridge import solve_ridge

        return solve_ridge(features, targets, groups, solver, seed, judged)
