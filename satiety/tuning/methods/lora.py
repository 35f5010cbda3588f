"""Low-rank changes beside frozen weights, merged at the end. Source: Hu et al. 2021, LoRA (arXiv:2106.09685)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.section import MOST
from satiety.tuning.methods.base import METHODS, Stepwise

if TYPE_CHECKING:
    from satiety.tuning.model import Model


@METHODS.register("lora")
class Lora(Stepwise):
    """Learn a low-rank change of every linear layer; merge it when done, so that answering costs nothing more."""

    learning_rate: float = Field(gt=0, le=1, default=1e-3)
    """Peak learning rate of the changes, which start from nothing: larger than where whole weights change."""
    head_learning_rate: float = Field(gt=0, le=1, default=1e-2)
    """Peak learning rate of the head."""
    rank: int = Field(ge=1, le=1024, default=4)
    """Rank of each change."""
    alpha: int = Field(ge=1, le=MOST, default=16)
    """Changes are scaled by alpha / rank."""
    dropout: float = Field(ge=0, lt=1, default=0.0)
    """Share of a layer's inputs that its change does not see while training."""

    def prepare(self, model: Model) -> None:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules="all-linear")
        with warnings.catch_warnings():  # PEFT 0.21 asks Transformers 5 by an old name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            model.encoder = get_peft_model(model.encoder, config)

    def finish(self, model: Model) -> None:
        model.encoder = model.encoder.merge_and_unload()
