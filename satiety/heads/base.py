"""The interface of heads: how a model is loaded and run, and the targets and loss of its outputs.

A head is a component in one file and has no weights of its own. The weights are a linear layer on the output of
``pool`` (`satiety.tuning.model`), or the base model's decoder for generative heads. A problem names its head; other
code uses this interface only. torch is imported inside methods, because problems are also read without a model.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from satiety.core.errors import ModelError
from satiety.core.project import Pooling
from satiety.core.registry import Component, Registry
from satiety.problems.windows import IGNORE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Module

    from satiety.heads.solver import LinearProbe, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.tuning.inputs import Batch
    from satiety.tuning.model import Model


class Head(Component):
    """Outputs, targets and loss of a model."""

    per_token: ClassVar[bool] = False
    """Whether there is one row of outputs per token; otherwise there is one per window."""
    is_generative: ClassVar[bool] = False
    """Whether a decoder generates a text; otherwise a linear layer reads the states of an encoder."""

    def load(self, folder: Path) -> tuple[Module, Any]:
        """Load the Transformer and its tokenizer from a folder.

        Raises:
            ModelError: a file is missing, broken or unsafe, or the model does not suit the head.
        """
        from satiety.training.encoder import load_encoder, load_tokenizer

        return load_encoder(folder), load_tokenizer(folder)

    def check_encoder(self, encoder: Module) -> None:
        """Raise ParamsError where the head's parameters exceed the limits of the Transformer."""

    def get_encoder(self, encoder: Any) -> Any:
        """Return the encoder part of the Transformer."""
        return encoder

    def outputs(self, model: Model, batch: Batch) -> Tensor:
        """Return the outputs that the loss reads, shape (windows, classes), or (windows, tokens, classes)."""
        return model.outputs(model.features(batch))

    def infer(self, model: Model, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """Return for each window the input of ``Problem.decode``: by default the outputs, including padding."""
        return list(self.outputs(model, batch).float().cpu().numpy())

    def is_finite(self, inferred: Any) -> bool:
        """Return whether the result of ``infer`` for a window has finite numbers only."""
        return bool(np.isfinite(inferred).all())

    def cost(self, window: Window) -> int:
        """Return the number of tokens processed to infer a window; batches are limited by it."""
        return len(window.input_ids)

    def mean_loss(self, windows: Sequence[Window], inferred: Sequence[Any]) -> float | None:
        """Return the mean loss over all targets; None without targets."""
        import torch

        rows, targets = self.collect_targets(windows, inferred)
        return float(self.loss(torch.from_numpy(rows), torch.from_numpy(targets))) if len(targets) else None

    def size(self, problem: Problem) -> int:
        """Return the number of outputs in a row."""
        return len(problem.classes)

    @abstractmethod
    def pool(self, states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
        """Return the input of the linear layer.

        Args:
            states: states of the encoder, shape (windows, tokens, hidden).
            mask: 1 for tokens, 0 for padding, shape (windows, tokens).
            pooling: how token states become one vector.

        Returns:
            Shape (windows, hidden), or (windows, tokens, hidden) for a head with ``per_token``.
        """

    @abstractmethod
    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        """Return the targets of windows padded to ``width`` tokens."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy over the targets that are not IGNORE.

        Because it is a mean, duplicating a batch does not change its loss.

        Args:
            outputs: shape (windows, classes), or (windows, tokens, classes).
            targets: class indices, shape (windows,) or (windows, tokens).

        Raises:
            ModelError: the batch has no target, or a target is not a class index.
        """
        from torch.nn.functional import cross_entropy

        valid = targets[targets != IGNORE]
        if valid.numel() == 0:
            raise ModelError("a batch contains only padding or unlabelled texts: check the labels of the examples")
        if int(valid.max()) >= outputs.shape[-1] or int(valid.min()) < 0:
            worst = int(valid.max()) if int(valid.max()) >= outputs.shape[-1] else int(valid.min())
            raise ModelError(f"label id {worst} is out of range: the head has {outputs.shape[-1]} classes")
        return cross_entropy(outputs.flatten(0, -2), targets.flatten(), ignore_index=IGNORE)

    def divergence(self, outputs: Tensor, reference: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence of outputs from fixed reference outputs, in nats.

        Args:
            outputs: shape (windows, classes), or (windows, tokens, classes).
            reference: same shape; detached from the gradient.

        Returns:
            Shape (windows,), or (windows, tokens).
        """
        from torch.nn.functional import kl_div, log_softmax

        chances = log_softmax(outputs, -1), log_softmax(reference.detach(), -1)
        return kl_div(*chances, reduction="none", log_target=True).sum(-1)

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
        """Fit the linear layer by a regularised logistic regression on features of the base encoder.

        Args:
            features: input of the layer, shape (targets, hidden).
            targets: shape (targets,).
            groups: one group name per target; rows of a group stay in the same fold.
            size: number of outputs of the layer.
            solver: parameters of the fit.
            seed: random seed of the sample of rows and of the folds.
            eval_mask: rows on which the penalty is chosen, shape (targets,); all rows are fitted.
        """
        from satiety.heads.solver import solve

        return solve(features, targets.astype(np.int64), groups, size, solver, seed, eval_mask)

    def check(self, window: Window, problem: Problem) -> None:
        """Raise ModelError where a target of the window is not valid for the problem."""
        count = self.size(problem)
        if invalid := [target for target in window.targets if target != IGNORE and not 0 <= target < count]:
            raise ModelError(
                f"label id {invalid[0]} is out of range: {problem.kind} has {count} classes, 0 to {count - 1}"
            )

    def has_target(self, window: Window) -> bool:
        """Return whether the window has any target."""
        return any(target != IGNORE for target in window.targets)

    def collect_targets(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Return the outputs or features with a target, shape (targets, columns), and these targets."""
        flat = np.concatenate([np.atleast_2d(row) for row in rows])
        targets = np.concatenate([window.targets for window in windows])
        return flat[targets != IGNORE], targets[targets != IGNORE]

    def owners(self, windows: Sequence[Window]) -> list[int]:
        """Return for each of these targets the index of its example."""
        return [window.example for window in windows for target in window.targets if target != IGNORE]

    def insert_tokens(self, window: Window, position: int, token_ids: Sequence[int]) -> Window:
        """Return the window with tokens inserted at a position; they have no target."""
        token_type_ids = (
            [*window.token_type_ids[:position], *[0] * len(token_ids), *window.token_type_ids[position:]]
            if window.token_type_ids
            else []
        )
        return replace(
            window,
            input_ids=[*window.input_ids[:position], *token_ids, *window.input_ids[position:]],
            token_type_ids=token_type_ids,
        )


class PerText(Head):
    """A head that reads one vector per window: the mean of the token states, or the first of them.

    Source: Reimers & Gurevych 2019, Sentence-BERT (arXiv:1908.10084), in which the mean scored higher.
    """

    def pool(self, states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
        from satiety.training.encoder import average_tokens

        return states[:, 0] if pooling == "first" else average_tokens(states, mask)

    def has_target(self, window: Window) -> bool:
        return bool(window.targets) and window.targets[0] != IGNORE

    def owners(self, windows: Sequence[Window]) -> list[int]:
        return [window.example for window in windows if self.has_target(window)]


HEADS: Registry[Head] = Registry("head", "satiety.heads")
