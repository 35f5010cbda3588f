"""Every weight may change. Source: Howard & Ruder 2018, ULMFiT (arXiv:1801.06146), also for slower lower layers."""

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
"""What stands above all layers: the linear head, or what a decoder weighs its vocabulary by where that is its own."""
_LAYER = re.compile(r"\.(?:layers?|block)\.(\d+)\.")


@METHODS.register("full")
class Full(GradientMethod):
    """Change every weight."""

    layer_decay: float = Field(gt=0, le=1, default=1.0)
    """Each layer learns this much slower than the one above it; the embeddings slowest. 1 means all alike."""

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
