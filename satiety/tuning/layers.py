"""Layers that methods put into or around an encoder; in a file of their own because torch is slow to import."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Bottleneck(nn.Module):
    """A linear layer followed by a residual bottleneck: projection down, GELU, projection up."""

    def __init__(self, layer: nn.Linear, size: int) -> None:
        """Add a bottleneck of ``size`` numbers; its last weights start at 0, so the output is unchanged at first."""
        super().__init__()
        self.layer = layer
        self.down = nn.Linear(layer.out_features, size)
        self.up = nn.Linear(size, layer.out_features)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    @property
    def weight(self) -> torch.Tensor:
        """The weight of the wrapped layer; T5 reads its dtype."""
        return self.layer.weight

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return the layer's output plus the bottleneck's, shape (..., out_features)."""
        output: torch.Tensor = self.layer(states)
        change: torch.Tensor = self.up(nn.functional.gelu(self.down(output)))
        return output + change


class VirtualTokenEncoder(nn.Module):
    """An encoder that reads virtual tokens before every text and returns the states of the text only.

    PEFT provides the weights. The forward pass is ours because PEFT drops the token type ids, which separate the texts
    of a pair, and returns the states of the virtual tokens too.
    """

    def __init__(self, wrapped: Any) -> None:
        """Wrap an encoder that PEFT has wrapped."""
        super().__init__()
        self.wrapped = wrapped

    @property
    def config(self) -> Any:
        """The encoder's config."""
        return self.wrapped.config

    def get_input_embeddings(self) -> Any:
        """Return the layer that embeds the tokens of the text."""
        return self.wrapped.get_input_embeddings()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> Any:
        """Return the encoder's output; ``last_hidden_state`` has shape (texts, tokens, hidden)."""
        prompt = self.wrapped.get_prompt(batch_size=len(input_ids))
        count = self.wrapped.active_peft_config.num_virtual_tokens
        inputs: dict[str, Any] = {"attention_mask": nn.functional.pad(attention_mask, (count, 0), value=1)}
        if isinstance(prompt, torch.Tensor):  # embeddings of virtual tokens
            embedded = self.get_input_embeddings()(input_ids)
            inputs["inputs_embeds"] = torch.cat([prompt.to(embedded.dtype), embedded], dim=1)
            padding = (count, 0)
        else:  # keys and values for every layer
            inputs |= {"input_ids": input_ids, "past_key_values": prompt}
            padding = (0, 0)
        if token_type_ids is not None:
            inputs["token_type_ids"] = nn.functional.pad(token_type_ids, padding)
        output = self.wrapped.get_base_model()(**inputs)
        output.last_hidden_state = output.last_hidden_state[:, -input_ids.shape[1] :]
        return output
