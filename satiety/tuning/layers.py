"""What methods put into or around an encoder: apart from them, whom params.yaml names, for torch is slow to import."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Bottleneck(nn.Module):
    """A linear layer, and after it a change of its output: down to few numbers, GELU, up again."""

    def __init__(self, layer: nn.Linear, size: int) -> None:
        """Put the change after a layer; as its last weights are 0, it changes nothing at first."""
        super().__init__()
        self.layer = layer
        self.down = nn.Linear(layer.out_features, size)
        self.up = nn.Linear(size, layer.out_features)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    @property
    def weight(self) -> torch.Tensor:
        """The layer's: T5 asks for its precision."""
        return self.layer.weight

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, changed; the last dimension is the layer's."""
        output: torch.Tensor = self.layer(states)
        change: torch.Tensor = self.up(nn.functional.gelu(self.down(output)))
        return output + change


class VirtualTokenEncoder(nn.Module):
    """An encoder that reads virtual tokens before every text, and gives back the states of the text alone.

    PEFT has the weights; how they meet the encoder is here, because PEFT drops the token types by which an encoder
    tells two texts apart, and leaves the virtual tokens' own states before those of the text.
    """

    def __init__(self, wrapped: Any) -> None:
        """Take an encoder that PEFT has wrapped."""
        super().__init__()
        self.wrapped = wrapped

    @property
    def config(self) -> Any:
        """The encoder's."""
        return self.wrapped.config

    def get_input_embeddings(self) -> Any:
        """Return the layer that embeds the text's own tokens."""
        return self.wrapped.get_input_embeddings()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> Any:
        """Return what the encoder returns; ``last_hidden_state`` has the shape (texts, tokens, hidden)."""
        prompt = self.wrapped.get_prompt(batch_size=len(input_ids))
        count = self.wrapped.active_peft_config.num_virtual_tokens
        inputs: dict[str, Any] = {"attention_mask": nn.functional.pad(attention_mask, (count, 0), value=1)}
        if isinstance(prompt, torch.Tensor):  # of the kind of embedded tokens
            embedded = self.get_input_embeddings()(input_ids)
            inputs["inputs_embeds"] = torch.cat([prompt.to(embedded.dtype), embedded], dim=1)
            padding = (count, 0)
        else:  # keys and values, for every layer
            inputs |= {"input_ids": input_ids, "past_key_values": prompt}
            padding = (0, 0)
        if token_type_ids is not None:
            inputs["token_type_ids"] = nn.functional.pad(token_type_ids, padding)
        output = self.wrapped.get_base_model()(**inputs)
        output.last_hidden_state = output.last_hidden_state[:, -input_ids.shape[1] :]
        return output
