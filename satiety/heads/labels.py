"""Any number of labels per text: one output per label, trained by binary cross-entropy."""

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
    """Predict for each label whether a text has it."""

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        """Return 1 or 0 for each label, shape (windows, labels); NaN in unlabelled windows."""
        import torch

        count = max(len(window.targets) for window in windows)
        rows = [window.targets or [float("nan")] * count for window in windows]
        return torch.tensor(rows, dtype=torch.float32)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean binary cross-entropy; outputs and targets have shape (windows, labels).

        Raises:
            ModelError: no window is labelled.
        """
        from torch.nn.functional import binary_cross_entropy_with_logits

        if targets.shape != outputs.shape or not (valid := ~targets.isnan().any(1)).any():
            raise ModelError("a batch contains only unlabelled texts: check the labels of the examples")
        return binary_cross_entropy_with_logits(outputs[valid], targets[valid].to(outputs.dtype))

    def divergence(self, outputs: Tensor, reference: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence of the label probabilities, summed over labels, shape (windows,)."""
        import torch

        logits = [torch.stack([values, torch.zeros_like(values)], -1) for values in (outputs, reference)]
        return super().divergence(*logits).sum(-1)

    def check(self, window: Window, problem: Problem) -> None:
        count = self.size(problem)
        if window.targets and (len(window.targets) != count or not set(window.targets) <= {0, 1}):
            raise ModelError(f"{problem.kind} needs {count} targets of 0 or 1, one per label, not {window.targets}")

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
        """Fit one logistic regression per label."""
        from satiety.heads.solver import LinearProbe, solve

        probes = [
            solve(features, answers.astype(np.int64), groups, 2, solver, seed, eval_mask, keep_held_out=True)
            for answers in targets.T
        ]
        return LinearProbe(
            np.stack([probe.weight[1] - probe.weight[0] for probe in probes]),
            np.array([probe.bias[1] - probe.bias[0] for probe in probes]),
            float(np.median([probe.l2 for probe in probes])),
            held_out=np.stack([probe.held_out[:, 1] for probe in probes], axis=1),
        )
