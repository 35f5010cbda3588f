"""Full fine-tuning. Source: Howard & Ruder 2018, ULMFiT (arXiv:1801.06146), also for lower rates in lower layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.tuning.methods.base import METHODS, GradientMethod

if TYPE_CHECKING:
    from torch.nn import Parameter

    from satiety.tuning.model import Model


@METHODS.register("full")
class Full(GradientMethod):
    """Train every weight of the encoder and the head."""

    layer_decay: float = Field(gt=0, le=1, default=1.0)
    """Factor between the learning rate of a layer and that of the layer above it. 1 gives all layers the same rate."""

    def prepare(self, model: Model, steps: int) -> None:
        for weight in model.parameters():
            weight.requires_grad_(True)

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        above = model.count_layers_above()
        for name, weight, rate in super().rates(model):
            yield name, weight, rate * self.layer_decay ** above[name]
