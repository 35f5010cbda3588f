"""Any number of labels per text: one output for each, told apart by binary cross-entropy."""

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

        if targets.shape != outputs.shape or not (valid := ~targets.isnan().any(1)).any():
            raise ModelError("a batch holds no answer to learn; look at the examples' labels")
        return binary_cross_entropy_with_logits(outputs[valid], targets[valid].to(outputs.dtype))

    def divergence(self, outputs: Tensor, reference: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence of each label's chance, summed over labels, shape (windows,)."""
        import torch

        logits = [torch.stack([values, torch.zeros_like(values)], -1) for values in (outputs, reference)]
        return super().divergence(*logits).sum(-1)

    def check(self, window: Window, problem: Problem) -> None:
        count = self.size(problem)
        if window.targets and (len(window.targets) != count or not set(window.targets) <= {0, 1}):
            raise ModelError(f"targets are 0 or 1 for each of {count} labels of {problem.kind}; these are not")

    def collect_targets(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        labelled_rows = [(row, window.targets) for window, row in zip(windows, rows, strict=True) if window.targets]
        return np.array([row for row, _ in labelled_rows]), np.array(
            [targets for _, targets in labelled_rows], dtype=np.float64
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
        """Return the layer that solves a logistic regression for each label against the rest."""
        from satiety.heads.solver import LinearProbe, solve

        layers = [
            solve(features, answers.astype(np.int64), groups, 2, solver, seed, eval_mask, keep_held_out=True)
            for answers in targets.T
        ]
        return LinearProbe(
            np.stack([layer.weight[1] - layer.weight[0] for layer in layers]),
            np.array([layer.bias[1] - layer.bias[0] for layer in layers]),
            float(np.median([layer.l2 for layer in layers])),
            held_out=np.stack([layer.held_out[:, 1] for layer in layers], axis=1),
        )
