"""Low-rank updates of frozen weights, merged after training. Source: Hu et al. 2021, LoRA (arXiv:2106.09685)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.section import MAX_COUNT
from satiety.tuning.methods.base import METHODS, ParameterEfficient, wrap_with_peft

if TYPE_CHECKING:
    from satiety.tuning.model import Model


@METHODS.register("lora")
class Lora(ParameterEfficient):
    """Train a low-rank update of every linear layer; merged after training, so prediction has no extra cost."""

    rank: int = Field(ge=1, le=1024, default=4)
    """Rank of the update matrices."""
    alpha: int = Field(ge=1, le=MAX_COUNT, default=16)
    """Scaling of the updates: they are multiplied by alpha / rank."""
    dropout: float = Field(ge=0, lt=1, default=0.0)
    """Dropout probability of the inputs of the update matrices."""

    def prepare(self, model: Model, steps: int) -> None:
        from peft import LoraConfig

        config = LoraConfig(r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules="all-linear")
        model.encoder = wrap_with_peft(model.encoder, config)

    def finish(self, model: Model) -> None:
        model.encoder = model.encoder.merge_and_unload()
