"""A Transformer, and what its head reads of it: an encoder with a linear layer, or one with a decoder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from satiety.heads import Head, Pooling
    from satiety.tuning.inputs import Batch


class Model(nn.Module):
    """Encoder, dropout, linear layer; of a head that writes, encoder and decoder, and no layer."""

    def __init__(self, encoder: Any, over: Head, outputs: int, *, pooling: Pooling, dropout: float) -> None:
        """Put a fresh linear layer of so many outputs on an encoder, unless its decoder answers."""
        super().__init__()
        self.encoder = encoder
        self.task_head = over
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head: Any = None if over.is_generative else nn.Linear(encoder.config.hidden_size, outputs)
        if self.head:
            nn.init.normal_(self.head.weight, std=0.02)
            nn.init.zeros_(self.head.bias)

    @property
    def width(self) -> int:
        """How many numbers a state has."""
        return int(self.encoder.config.hidden_size)

    @property
    def embeddings(self) -> nn.Module:
        """The layer that embeds the tokens of what is read."""
        layer: nn.Module = self.task_head.get_encoder(self.encoder).get_input_embeddings()
        return layer

    def features(self, batch: Batch) -> torch.Tensor:
        """Return what the head sees of the encoder's states: shape (windows, hidden), or (windows, tokens, hidden)."""
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if batch.token_type_ids is not None and getattr(self.encoder.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = batch.token_type_ids  # else it knows of one text only
        output = self.task_head.get_encoder(self.encoder)(**inputs)
        states = output.last_hidden_state
        return self.task_head.pool(states, batch.attention_mask, self.pooling)

    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        """Return outputs for features, float32: shape (windows, outputs), or (windows, tokens, outputs)."""
        outputs: torch.Tensor = self.head(self.dropout(features))
        return outputs.float()

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return the outputs for a batch, that its targets are held against."""
        return self.task_head.outputs(self, batch)
