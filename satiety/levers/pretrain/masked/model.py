"""An encoder with a masked language modelling head, whose output weights are tied to the input embeddings.

The head is randomly initialised, because many encoders (such as MiniLM) are published without one. Only masked
positions are projected on the vocabulary, which would otherwise dominate the cost.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from satiety.core.errors import ModelError
from satiety.levers.pretrain.masked.masks import IGNORE


class MaskedModel(nn.Module):
    """Encoder, transform (linear, GELU, normalisation), projection on the input embeddings."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        embeddings = encoder.get_input_embeddings().weight
        width, vocabulary = embeddings.shape[1], embeddings.shape[0]
        hidden = encoder.config.hidden_size
        self.vocabulary = vocabulary
        self.head = nn.Sequential(nn.Linear(hidden, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy over the masked positions.

        Raises:
            ModelError: no position is masked, as in a batch of padding.
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        is_target = targets != IGNORE
        if not bool(is_target.any()):
            raise ModelError("pretrain: a batch contains only padding and special tokens: remove empty documents")
        hidden = self.head(states[is_target])
        logits = functional.linear(hidden, self.encoder.get_input_embeddings().weight, self.bias)
        return functional.cross_entropy(logits.float(), targets[is_target])
