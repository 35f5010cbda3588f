"""Only biases change. Source: Ben Zaken et al. 2022, BitFit (arXiv:2106.10199)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from satiety.tuning.methods.base import METHODS, ParameterEfficient

if TYPE_CHECKING:
    from satiety.tuning.model import Model


@METHODS.register("made_up")
class MadeUp(ParameterEfficient):
    """Change only the biases; those of the first layer change in every second update."""

    can_generate: ClassVar = False  # T5 has no biases

    def prepare(self, model: Model, steps: int) -> None:
        for name, weight in model.encoder.named_parameters():
            weight.requires_grad_(name.endswith("bias"))

    def after_step(self, model: Model, step: int) -> None:
        for name, weight in model.encoder.named_parameters():
            if ".0." in name and name.endswith("bias"):
                weight.requires_grad_(step % 2 == 0)

    def finish(self, model: Model) -> None:
        for weight in model.encoder.parameters():
            weight.requires_grad_(True)
