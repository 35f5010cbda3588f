"""Adversarial training: the answers must hold where the words' embeddings are moved against them a little.

Source: the fast gradient method of Miyato et al. 2017 (arXiv:1605.07725), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

MIN_NORM = 1e-12
"""Least norm of a gradient that is divided by."""


@OBJECTIVES.register("fgm")
class FastGradient(Objective):
    """Add the loss after each text's embeddings were moved the way that raises it most."""

    epsilon: float = Field(gt=0, le=100, default=0.5)
    """How far: Euclidean norm of the move, over all tokens of a window."""

    def loss(self, update: Update) -> Tensor:
        import torch

        layer = update.model.embeddings
        embedded: list[Tensor] = []

        # 1. the loss as it is, and which way the embeddings raise it
        def capture(output: Tensor) -> Tensor:
            embedded.append(output if output.requires_grad else output.detach().requires_grad_())
            return embedded[-1]

        with _patch_output(layer, capture):
            clean_loss = update.compute_supervised_loss()
        (gradient,) = torch.autograd.grad(clean_loss, embedded[0], retain_graph=True)

        # 2. the loss after a move that way
        norm = torch.linalg.vector_norm(gradient.float(), dim=(1, 2), keepdim=True).clamp(min=MIN_NORM)
        move = (self.epsilon * gradient / norm).to(gradient.dtype)
        with _patch_output(layer, lambda output: output + move):
            return clean_loss + update.compute_supervised_loss()


@contextmanager
def _patch_output(layer: Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Change what a layer gives back within the block, the first time: a decoder may share it with its encoder."""
    pending = [change]
    hook = layer.register_forward_hook(lambda _module, _inputs, output: pending.pop()(output) if pending else output)
    try:
        yield
    finally:
        hook.remove()
