"""What a head is: how a model is made of a folder and asked, what its outputs stand for, and how far they are off.

A head is a component in one file. It has no weights: those are a linear layer of the model (`satiety.tuning.model`), on
what ``pool`` returns; or, for a head that writes, the decoder that the base comes with. A problem names the head that
it stands on; nobody else asks which one it is. torch is imported inside methods, for problems are read where no model
is.
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
    """What stands on the encoder."""

    per_token: ClassVar[bool] = False
    """Whether there is a row of outputs for each token; else one for each window."""
    is_generative: ClassVar[bool] = False
    """Whether a decoder answers, by writing a text; else a linear layer does, on the states of an encoder."""

    def load(self, folder: Path) -> tuple[Module, Any]:
        """Return the Transformer in a folder, and its tokenizer.

        Raises:
            ModelError: a file is missing, broken or unsafe, or it is none that can answer.
        """
        from satiety.training.encoder import load_encoder, load_tokenizer

        return load_encoder(folder), load_tokenizer(folder)

    def check_encoder(self, encoder: Module) -> None:
        """Raise ParamsError where the Transformer cannot do what the problem asks."""

    def get_encoder(self, encoder: Any) -> Any:
        """Return the part of the Transformer that makes states of a text: all of it, where it is an encoder."""
        return encoder

    def outputs(self, model: Model, batch: Batch) -> Tensor:
        """Return what is held against the targets, shape (windows, classes), or (windows, tokens, classes)."""
        return model.outputs(model.features(batch))

    def infer(self, model: Model, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """Return per window what the problem decodes: here the outputs, padding included."""
        return list(self.outputs(model, batch).float().cpu().numpy())

    def is_finite(self, inferred: Any) -> bool:
        """Return whether what was inferred of a window is of finite numbers."""
        return bool(np.isfinite(inferred).all())

    def cost(self, window: Window) -> int:
        """Return how many tokens are looked at to infer what a window says."""
        return len(window.input_ids)

    def mean_loss(self, windows: Sequence[Window], inferred: Sequence[Any]) -> float | None:
        """Return the mean loss over every target; None where there is none."""
        import torch

        rows, targets = self.collect_targets(windows, inferred)
        return float(self.loss(torch.from_numpy(rows), torch.from_numpy(targets))) if len(targets) else None

    def size(self, problem: Problem) -> int:
        """Return how many outputs a row has."""
        return len(problem.classes)

    @abstractmethod
    def pool(self, states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
        """Return what the linear layer sees.

        Args:
            states: of the encoder, shape (windows, tokens, hidden).
            mask: 1 where there is a token, shape (windows, tokens).
            pooling: how tokens become one vector.

        Returns:
            Shape (windows, hidden), or (windows, tokens, hidden) where there are outputs for each token.
        """

    @abstractmethod
    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        """Return the targets of windows that are padded to ``width`` tokens."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy over the targets that are not IGNORE.

        A plain mean, so that a batch that holds everything twice has the same loss.

        Args:
            outputs: shape (windows, classes), or (windows, tokens, classes).
            targets: class indices, shape (windows,) or (windows, tokens).

        Raises:
            ModelError: no target at all, as in a batch of padding, or one that is no class.
        """
        from torch.nn.functional import cross_entropy

        valid = targets[targets != IGNORE]
        if valid.numel() == 0:
            raise ModelError(
                "a batch holds nothing but padding: no token or text of it has a label; look at the examples' labels"
            )
        if int(valid.max()) >= outputs.shape[-1] or int(valid.min()) < 0:
            worst = int(valid.max()) if int(valid.max()) >= outputs.shape[-1] else int(valid.min())
            raise ModelError(f"label id {worst} is out of range: the head has {outputs.shape[-1]} classes")
        return cross_entropy(outputs.flatten(0, -2), targets.flatten(), ignore_index=IGNORE)

    def divergence(self, outputs: Tensor, reference: Tensor) -> Tensor:
        """Return how far outputs are from others, which are held fixed: Kullback-Leibler, in nats.

        Args:
            outputs: shape (windows, classes), or (windows, tokens, classes).
            reference: of the same shape.

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
        """Return the linear layer that solves a regularised logistic regression on features of the untouched encoder.

        Args:
            features: what the layer sees, shape (targets, hidden).
            targets: shape (targets,).
            groups: rows of one group are never divided between learning and judging, one for each target.
            size: outputs of the layer.
            solver: how.
            seed: of the sample of rows, and of the folds.
            eval_mask: the rows by which the strength is chosen, shape (targets,); all are learned from.
        """
        from satiety.heads.solver import solve

        return solve(features, targets.astype(np.int64), groups, size, solver, seed, eval_mask)

    def check(self, window: Window, problem: Problem) -> None:
        """Raise ModelError where a target of the window can be none of the problem's."""
        count = self.size(problem)
        if invalid := [target for target in window.targets if target != IGNORE and not 0 <= target < count]:
            raise ModelError(
                f"label id {invalid[0]} is out of range: {problem.kind} has {count} classes, 0 to {count - 1}"
            )

    def has_target(self, window: Window) -> bool:
        """Return whether the window has a target at all."""
        return any(target != IGNORE for target in window.targets)

    def collect_targets(self, windows: Sequence[Window], rows: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Return the outputs or features that have a target, shape (targets, columns), and the targets."""
        flat = np.concatenate([np.atleast_2d(row) for row in rows])
        targets = np.concatenate([window.targets for window in windows])
        return flat[targets != IGNORE], targets[targets != IGNORE]

    def owners(self, windows: Sequence[Window]) -> list[int]:
        """Return whose each of these targets is, by the example's index."""
        return [window.example for window in windows for target in window.targets if target != IGNORE]

    def insert_tokens(self, window: Window, position: int, token_ids: Sequence[int]) -> Window:
        """Return the window with tokens put in at a place, which answer for nothing."""
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
    """A head that reads a text as one vector: the mean of its tokens, or the first one.

    Source: Reimers & Gurevych 2019, Sentence-BERT (arXiv:1908.10084), where the mean beat the first token.
    """

    def pool(self, states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
        if pooling == "first":
            return states[:, 0]
        weights = mask.unsqueeze(-1).float()
        return (states.float() * weights).sum(1) / weights.sum(1).clamp(min=1)

    def has_target(self, window: Window) -> bool:
        return bool(window.targets) and window.targets[0] != IGNORE

    def owners(self, windows: Sequence[Window]) -> list[int]:
        return [window.example for window in windows if self.has_target(window)]


HEADS: Registry[Head] = Registry("head", "satiety.heads")
