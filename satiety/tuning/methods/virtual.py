"""Virtual tokens, which stand before every text and are all that is learned: shared by `prompt` and `prefix`."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from satiety.tuning.methods.base import Beside, with_peft

if TYPE_CHECKING:
    from torch.nn import Module


class Virtual(Beside):
    """A method that learns virtual tokens."""

    writes: ClassVar = False  # they stand before what an encoder reads

    tokens: int = Field(ge=1, le=512, default=16, examples=[4])
    """Virtual tokens before every text."""

    @property
    def virtual_tokens(self) -> int:
        return self.tokens

    @abstractmethod
    def config(self, encoder: Any, **shape: Any) -> Any:
        """Return PEFT's configuration.

        Args:
            encoder: to be wrapped.
            shape: what every configuration says: of the task, the tokens and the encoder.
        """

    def wrap(self, encoder: Module) -> Module:
        from peft import TaskType

        from satiety.tuning.layers import Prompted

        config: Any = encoder.config
        shape = {"num_layers": config.num_hidden_layers, "num_attention_heads": config.num_attention_heads}
        shape |= {"task_type": TaskType.FEATURE_EXTRACTION, "num_virtual_tokens": self.tokens}
        return Prompted(with_peft(encoder, self.config(encoder, **shape)))

    def unwrap(self, wrapped: Module) -> Module:
        from satiety.tuning.layers import Prompted

        assert isinstance(wrapped, Prompted)  # noqa: S101  # by ``wrap``
        encoder: Module = wrapped.wrapped.get_base_model()
        return encoder
