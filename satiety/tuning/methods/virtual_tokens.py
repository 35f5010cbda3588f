"""Trainable virtual tokens before every text: the common base of `prompt` and `prefix`."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from satiety.tuning.methods.base import AdapterMethod, wrap_with_peft

if TYPE_CHECKING:
    from torch.nn import Module


class VirtualTokens(AdapterMethod):
    """Train virtual tokens only; the encoder is frozen."""

    can_generate: ClassVar = False  # the decoder is not prefixed

    tokens: int = Field(ge=1, le=512, default=16, examples=[4])
    """Number of virtual tokens before every text."""

    @property
    def virtual_tokens(self) -> int:
        return self.tokens

    @abstractmethod
    def build_config(self, encoder: Any, **shape: Any) -> Any:
        """Return PEFT's configuration.

        Args:
            encoder: the encoder to wrap.
            shape: arguments of every configuration: task type, number of tokens, layers and attention heads.
        """

    def wrap(self, encoder: Module) -> Module:
        from peft import TaskType

        from satiety.tuning.layers import VirtualTokenEncoder

        config: Any = encoder.config
        shape = {"num_layers": config.num_hidden_layers, "num_attention_heads": config.num_attention_heads}
        shape |= {"task_type": TaskType.FEATURE_EXTRACTION, "num_virtual_tokens": self.tokens}
        return VirtualTokenEncoder(wrap_with_peft(encoder, self.build_config(encoder, **shape)))

    def unwrap(self, wrapped: Module) -> Module:
        from satiety.tuning.layers import VirtualTokenEncoder

        assert isinstance(wrapped, VirtualTokenEncoder)  # noqa: S101  # as returned by ``wrap``
        encoder: Module = wrapped.wrapped.get_base_model()
        return encoder
