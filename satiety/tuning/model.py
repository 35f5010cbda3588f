"""An encoder with a linear head: one answer per text (mean of its tokens), or one per token.

Source of the pooling: Reimers & Gurevych 2019, Sentence-BERT (arXiv:1908.10084), where the mean beat the first token.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from satiety.errors import ModelError
from satiety.problems import IGNORE

Pooling = Literal["mean", "first"]


class Classifier(nn.Module):
    """Encoder, dropout, linear head."""

    def __init__(
        self, encoder: Any, head: Literal["text", "token"], classes: int, *, pooling: Pooling, dropout: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.over = head
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, classes)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return what the head sees: shape (windows, hidden) over texts, (windows, tokens, hidden) over tokens."""
        states: torch.Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.over == "token":
            return states
        if self.pooling == "first":
            return states[:, 0]
        weights = attention_mask.unsqueeze(-1).to(torch.float32)
        return (states.float() * weights).sum(1) / weights.sum(1).clamp(min=1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits, float32: shape (windows, classes) over texts, (windows, tokens, classes) over tokens."""
        logits: torch.Tensor = self.head(self.dropout(self.features(input_ids, attention_mask)))
        return logits.float()


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean over the targets that are not IGNORE.

    A plain mean, so that a batch that holds everything twice has the same loss.

    Raises:
        ModelError: no target at all, as in a batch of padding, or one that is no class.
    """
    kept = targets[targets != IGNORE]
    if kept.numel() == 0:
        raise ModelError(
            "a batch holds nothing but padding: no token or text of it has a label; look at the examples' labels"
        )
    if int(kept.max()) >= logits.shape[-1] or int(kept.min()) < 0:
        worst = int(kept.max()) if int(kept.max()) >= logits.shape[-1] else int(kept.min())
        raise ModelError(f"label id {worst} is out of range: the head has {logits.shape[-1]} classes")
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORE)
