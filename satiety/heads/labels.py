"""Any number of labels per text: one output for each, told apart by binary cross-entropy."""

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


@HEADS.register("labels")
class LabelsHead(PerText):
    """Answer once per text: for each label, whether it has it."""

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        """Return 1 or 0 for each label, shape (windows, labels); NaN where a window has no answer."""
        import torch

        count = max(len(window.targets) for window in windows)
        rows = [window.targets or [float("nan")] * count for window in windows]
        return torch.tensor(rows, dtype=torch.float32)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean binary cross-entropy over windows and labels; both of shape (windows, labels).

        Raises:
            ModelError: no window has an answer.
        """
        from torch.nn.functional import binary_cross_entropy_with_logits

        if targets.shape != outputs.shape or not (known := ~targets.isnan().any(1)).any():
            raise ModelError("a batch holds no answer to learn; look at the examples' labels")
        return binary_cross_entropy_with_logits(outputs[known], targets[known].to(outputs.dtype))

    def divergence(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence of each label's chance, summed over labels, shape (windows,)."""
        import torch

        both = [torch.stack([values, torch.zeros_like(values)], -1) for values in (outputs, wanted)]
        return super().divergence(*both).sum(-1)

    def check(self, window: Window, problem: Problem) -> None:
        count = self.size(problem)
        if window.targets and (len(window.targets) != count or not set(window.targets) <= {0, 1}):
            raise ModelError(f"targets are 0 or 1 for each of {count} labels of {problem.kind}; these are not")

    def pairs(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        found = [(row, window.targets) for window, row in zip(windows, rows, strict=True) if window.targets]
        return np.array([row for row, _ in found]), np.array([targets for _, targets in found], dtype=np.float64)

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
        """Return the layer that solves a logistic regression for each label against the rest."""
        from satiety.heads.solver import Solved, solve

        apart = [
            solve(features, answers.astype(np.int64), groups, 2, solver, seed, judged, keep=True)
            for answers in targets.T
        ]
        return Solved(
            np.stack([one.weight[1] - one.weight[0] for one in apart]),
            np.array([one.bias[1] - one.bias[0] for one in apart]),
            float(np.median([one.strength for one in apart])),
            held_out=np.stack([one.held_out[:, 1] for one in apart], axis=1),
        )
