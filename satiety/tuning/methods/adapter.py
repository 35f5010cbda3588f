"""Small trainable networks within frozen layers. Source: Houlsby et al. 2019, arXiv:1902.00751, section 2.1.

Unlike in the paper, layer norms stay frozen, so that the saved encoder equals the base model and models can share it.
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
"""Names of the linear layers that end an attention or feed-forward block, in order for: BERT, RoBERTa, ELECTRA and
DeBERTa; DistilBERT; MPNet; ModernBERT; BART and Marian; T5."""


@METHODS.register("adapter")
class Adapter(AdapterMethod):
    """Train bottleneck adapters after the attention and feed-forward block of every layer; the encoder is frozen."""

    size: int = Field(ge=1, le=4096, default=64, examples=[16])
    """Width of the bottleneck. The paper uses 64 for small datasets."""

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
                f"method 'adapter' does not support {type(encoder).__name__}: use 'lora', which supports every encoder"
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
