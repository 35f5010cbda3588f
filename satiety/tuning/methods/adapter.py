"""Small networks within frozen layers. Source: Houlsby et al. 2019, arXiv:1902.00751, section 2.1.

Here layer norms stay as they are, so that the encoder is the base's own, byte by byte, and models can share it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.errors import ModelError
from satiety.tuning.methods.base import METHODS, AdapterMethod

if TYPE_CHECKING:
    from torch.nn import Module

BLOCK_ENDINGS = (
    *("output.dense", "out_lin", "ffn.lin2", "attn.o", "attn.Wo", "mlp.Wo"),
    *("attn.out_proj", "fc2", "Attention.o", "DenseReluDense.wo"),
)
"""How the linear layers are called that end the attention or the feed-forward block of a layer: of BERT, RoBERTa,
ELECTRA and DeBERTa; DistilBERT; MPNet; ModernBERT; BART and Marian; T5."""


@METHODS.register("adapter")
class Adapter(AdapterMethod):
    """Learn a bottleneck after the attention and after the feed-forward block of every layer."""

    size: int = Field(ge=1, le=4096, default=64, examples=[16])
    """Numbers in the bottleneck: 64 in the paper for small data."""

    def wrap(self, encoder: Module) -> Module:
        from torch.nn import Linear

        from satiety.tuning.layers import Bottleneck

        layers = {
            name: layer
            for name, layer in encoder.named_modules()
            if isinstance(layer, Linear) and name.endswith(BLOCK_ENDINGS)
        }
        if not layers:
            raise ModelError(
                f"method 'adapter' knows no place for itself in a {type(encoder).__name__}; take 'lora', which any has"
            )
        for path, layer in layers.items():
            encoder.set_submodule(path, Bottleneck(layer, self.size))
        return encoder

    def unwrap(self, wrapped: Module) -> Module:
        from satiety.tuning.layers import Bottleneck

        encoder = deepcopy(wrapped)
        for path, module in list(encoder.named_modules()):
            if isinstance(module, Bottleneck):
                encoder.set_submodule(path, module.layer)
        return encoder
