"""An encoder with a head that fills in masked tokens; its output weights are the input embeddings.

MiniLM and its like come without such a head, so it starts anew. Only masked positions are projected on the vocabulary,
which is most of the work otherwise.
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
            ModelError: nothing is masked, as in a batch of padding.
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        is_target = targets != IGNORE
        if not bool(is_target.any()):
            raise ModelError("a batch holds nothing but padding and special tokens: no token can be masked")
        hidden = self.head(states[is_target])
        logits = functional.linear(hidden, self.encoder.get_input_embeddings().weight, self.bias)
        return functional.cross_entropy(logits.float(), targets[is_target])
