"""Full fine-tuning. Source: Howard & Ruder 2018, ULMFiT (arXiv:1801.06146), also for lower rates in lower layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.tuning.methods.base import METHODS, GradientMethod

if TYPE_CHECKING:
    from torch.nn import Parameter

    from satiety.tuning.model import Model

TOP = ("head.", "encoder.lm_head.")
"""Names of weights above the top layer: the linear head, or a decoder's output embeddings where these are not tied."""
_LAYER = re.compile(r"\.(?:layers?|block)\.(\d+)\.")


@METHODS.register("full")
class Full(GradientMethod):
    """Train every weight of the encoder and the head."""

    layer_decay: float = Field(gt=0, le=1, default=1.0)
    """Factor between the learning rate of a layer and that of the layer above it. 1 gives all layers the same rate."""

    def prepare(self, model: Model, steps: int) -> None:
        for weight in model.parameters():
            weight.requires_grad_(True)

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        names = [name for name, _ in model.named_parameters()]
        layers = 1 + max((int(match[1]) for name in names if (match := _LAYER.search(name))), default=-1)
        for name, weight, rate in super().rates(model):
            depth = int(match[1]) + 1 if (match := _LAYER.search(name)) else 0
            below = 0 if name.startswith(TOP) else layers - depth
            yield name, weight, rate * self.layer_decay**below
