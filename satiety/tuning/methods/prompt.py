"""Prompt tuning: virtual tokens before every text. Source: Lester et al. 2021 (arXiv:2104.08691)."""

from __future__ import annotations

from typing import Any

from satiety.tuning.methods.base import METHODS
from satiety.tuning.methods.virtual_tokens import VirtualTokens


@METHODS.register("prompt")
class Prompt(VirtualTokens):
    """Train the embeddings of virtual tokens that are put before every text."""

    def build_config(self, encoder: Any, **shape: Any) -> Any:
        from peft import PromptTuningConfig

        # in ELECTRA embeddings are narrower than hidden states
        return PromptTuningConfig(token_dim=encoder.get_input_embeddings().embedding_dim, **shape)
