"""Virtual tokens, which stand before every text and are all that is learned: shared by `prompt` and `prefix`."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from satiety.tuning.methods.base import AdapterMethod, wrap_with_peft

if TYPE_CHECKING:
    from torch.nn import Module


class VirtualTokens(AdapterMethod):
    """A method that learns virtual tokens."""

    can_generate: ClassVar = False  # they stand before what an encoder reads

    tokens: int = Field(ge=1, le=512, default=16, examples=[4])
    """Virtual tokens before every text."""

    @property
    def virtual_tokens(self) -> int:
        return self.tokens

    @abstractmethod
    def build_config(self, encoder: Any, **shape: Any) -> Any:
        """Return PEFT's configuration.

        Args:
            encoder: to be wrapped.
            shape: what every configuration says: of the task, the tokens and the encoder.
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

        assert isinstance(wrapped, VirtualTokenEncoder)  # noqa: S101  # by ``wrap``
        encoder: Module = wrapped.wrapped.get_base_model()
        return encoder
