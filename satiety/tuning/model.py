"""A Transformer with a head: an encoder with a linear layer, or an encoder with its own decoder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from satiety.heads import Head, Pooling
    from satiety.tuning.inputs import Batch

TOP = ("head.", "encoder.lm_head.")
"""Names of weights above the top layer: the linear head, or a decoder's output embeddings where these are not tied."""
_LAYER = re.compile(r"\.(?:layers?|block)\.(\d+)\.")


class Model(nn.Module):
    """Encoder, dropout and linear layer; for a generative head encoder and decoder only."""

    def __init__(self, encoder: Any, task_head: Head, outputs: int, *, pooling: Pooling, dropout: float) -> None:
        """Put a new linear layer of ``outputs`` outputs on an encoder, unless the head is generative."""
        super().__init__()
        self.encoder = encoder
        self.task_head = task_head
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head: Any = None if task_head.is_generative else nn.Linear(encoder.config.hidden_size, outputs)
        if self.head:
            nn.init.normal_(self.head.weight, std=0.02)
            nn.init.zeros_(self.head.bias)

    @property
    def width(self) -> int:
        """Size of a hidden state."""
        return int(self.encoder.config.hidden_size)

    @property
    def embeddings(self) -> nn.Module:
        """The layer that embeds the input tokens."""
        layer: nn.Module = self.task_head.get_encoder(self.encoder).get_input_embeddings()
        return layer

    def count_layers_above(self) -> dict[str, int]:
        """Return for each weight by name how many layers are above its own; all layers are above the embeddings."""
        matches = {name: _LAYER.search(name) for name, _ in self.named_parameters()}
        layers = 1 + max((int(match[1]) for match in matches.values() if match), default=-1)
        depths = {name: int(match[1]) + 1 if match else 0 for name, match in matches.items()}
        return {name: 0 if name.startswith(TOP) else layers - depth for name, depth in depths.items()}

    def features(self, batch: Batch) -> torch.Tensor:
        """Return the pooled states that the head reads: shape (windows, hidden), or (windows, tokens, hidden)."""
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if batch.token_type_ids is not None and getattr(self.encoder.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = batch.token_type_ids  # other encoders have no embedding for the second text
        output = self.task_head.get_encoder(self.encoder)(**inputs)
        states = output.last_hidden_state
        return self.task_head.pool(states, batch.attention_mask, self.pooling)

    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        """Return the linear layer's outputs, float32: shape (windows, outputs), or (windows, tokens, outputs)."""
        outputs: torch.Tensor = self.head(self.dropout(features))
        return outputs.float()

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return the outputs for a batch, in the shape that the head's loss expects."""
        return self.task_head.outputs(self, batch)
