"""Small networks within frozen layers. Source: Houlsby et al. 2019, arXiv:1902.00751, section 2.1.

Here layer norms stay as they are, so that the encoder is the base's own, byte by byte, and models can share it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import nn

from satiety.errors import ModelError
from satiety.tuning.methods.base import METHODS, Beside

if TYPE_CHECKING:
    from torch.nn import Module

ENDS = ("output.dense", "out_lin", "ffn.lin2", "attn.o", "attn.Wo", "mlp.Wo")
"""How the linear layers are called that end the attention or the feed-forward block of an encoder's layer: of BERT,
RoBERTa, ELECTRA and DeBERTa; DistilBERT; MPNet; ModernBERT."""


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

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, changed; the last dimension is the layer's."""
        read: torch.Tensor = self.layer(states)
        change: torch.Tensor = self.up(nn.functional.gelu(self.down(read)))
        return read + change


@METHODS.register("adapter")
class Adapter(Beside):
    """Learn a bottleneck after the attention and after the feed-forward block of every layer."""

    size: int = Field(ge=1, le=4096, examples=[16])
    """Numbers in the bottleneck: 64 in the paper for small data."""

    def wrap(self, encoder: Module) -> Module:
        places = {
            name: layer
            for name, layer in encoder.named_modules()
            if isinstance(layer, nn.Linear) and name.endswith(ENDS)
        }
        if not places:
            raise ModelError(
                f"method 'adapter' knows no place for itself in a {type(encoder).__name__}; take 'lora', which any has"
            )
        for place, layer in places.items():
            encoder.set_submodule(place, Bottleneck(layer, self.size))
        return encoder

    def unwrap(self, wrapped: Module) -> Module:
        encoder = deepcopy(wrapped)
        for place, module in list(encoder.named_modules()):
            if isinstance(module, Bottleneck):
                encoder.set_submodule(place, module.layer)
        return encoder
