"""Prefix-tuning: virtual tokens before every text, in every layer.

Sources: Li & Liang 2021, prefix-tuning (arXiv:2101.00190); for encoders, Liu et al. 2022, P-Tuning v2
(arXiv:2110.07602).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from satiety.core.errors import ModelError
from satiety.tuning.methods.base import METHODS
from satiety.tuning.methods.virtual_tokens import VirtualTokens

if TYPE_CHECKING:
    from torch.nn import Module


@METHODS.register("prefix")
class Prefix(VirtualTokens):
    """Train keys and values that the attention of every layer reads before those of the text."""

    def build_config(self, encoder: Any, **shape: Any) -> Any:
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(token_dim=encoder.config.hidden_size, **shape)

    def wrap(self, encoder: Module) -> Module:
        if "past_key_values" not in inspect.signature(encoder.forward).parameters:
            raise ModelError(
                f"method 'prefix' needs an encoder with `past_key_values`, which {type(encoder).__name__} lacks: "
                "use 'prompt', 'adapter' or 'lora'"
            )
        return super().wrap(encoder)
