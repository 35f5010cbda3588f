"""Adversarial training: the output should stay right under a small, worst-case perturbation of the embeddings.

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
"""Lower bound of the gradient norm, to avoid division by 0."""


@OBJECTIVES.register("fgm")
class FastGradient(Objective):
    """Add the loss on adversarially perturbed embeddings (fast gradient method)."""

    epsilon: float = Field(gt=0, le=100, default=0.5)
    """Euclidean norm of the perturbation, over all tokens of a window."""

    def loss(self, update: Update) -> Tensor:
        import torch

        layer = update.model.embeddings
        embedded: list[Tensor] = []

        # 1. the unperturbed loss and its gradient by the embeddings
        def capture(output: Tensor) -> Tensor:
            embedded.append(output if output.requires_grad else output.detach().requires_grad_())
            return embedded[-1]

        with _patch_output(layer, capture):
            clean_loss = update.compute_supervised_loss()
        (gradient,) = torch.autograd.grad(clean_loss, embedded[0], retain_graph=True)

        # 2. the loss after a step along the gradient
        norm = torch.linalg.vector_norm(gradient.float(), dim=(1, 2), keepdim=True).clamp(min=MIN_NORM)
        move = (self.epsilon * gradient / norm).to(gradient.dtype)
        with _patch_output(layer, lambda output: output + move):
            return clean_loss + update.compute_supervised_loss()


@contextmanager
def _patch_output(layer: Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Change a layer's first output within the block; a decoder may share the layer and must not be changed."""
    pending = [change]
    hook = layer.register_forward_hook(lambda _module, _inputs, output: pending.pop()(output) if pending else output)
    try:
        yield
    finally:
        hook.remove()
