"""Virtual words before every text. Source: Lester et al. 2021, prompt tuning (arXiv:2104.08691)."""

from __future__ import annotations

from typing import Any

from satiety.tuning.methods.base import METHODS
from satiety.tuning.methods.virtual_tokens import VirtualTokens


@METHODS.register("prompt")
class Prompt(VirtualTokens):
    """Learn the embeddings of virtual words; the encoder reads them as if the text began with them."""

    def build_config(self, encoder: Any, **shape: Any) -> Any:
        from peft import PromptTuningConfig

        # of ELECTRA other than the width of states
        return PromptTuningConfig(token_dim=encoder.get_input_embeddings().embedding_dim, **shape)
