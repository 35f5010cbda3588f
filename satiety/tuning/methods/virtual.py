"""Virtual tokens, which stand before every text and are all that is learned: shared by `prompt` and `prefix`.

PEFT has the weights; how they meet the encoder is here, because PEFT drops the token types by which an encoder tells
two texts apart, and leaves the virtual tokens' own states before those of the text.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from torch import nn

from satiety.tuning.methods.base import Beside, with_peft

if TYPE_CHECKING:
    from torch.nn import Module


class Prompted(nn.Module):
    """An encoder that reads virtual tokens before every text, and gives back the states of the text alone."""

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
        learned = self.wrapped.get_prompt(batch_size=len(input_ids))
        count = self.wrapped.active_peft_config.num_virtual_tokens
        inputs: dict[str, Any] = {"attention_mask": nn.functional.pad(attention_mask, (count, 0), value=1)}
        if isinstance(learned, torch.Tensor):  # of the kind of embedded tokens
            embedded = self.get_input_embeddings()(input_ids)
            inputs["inputs_embeds"] = torch.cat([learned.to(embedded.dtype), embedded], dim=1)
            padded = (count, 0)
        else:  # keys and values, for every layer
            inputs |= {"input_ids": input_ids, "past_key_values": learned}
            padded = (0, 0)
        if token_type_ids is not None:
            inputs["token_type_ids"] = nn.functional.pad(token_type_ids, padded)
        read = self.wrapped.get_base_model()(**inputs)
        read.last_hidden_state = read.last_hidden_state[:, -input_ids.shape[1] :]
        return read


class Virtual(Beside):
    """A method that learns virtual tokens."""

    tokens: int = Field(ge=1, le=512, examples=[4])
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

        config: Any = encoder.config
        shape = {"num_layers": config.num_hidden_layers, "num_attention_heads": config.num_attention_heads}
        shape |= {"task_type": TaskType.FEATURE_EXTRACTION, "num_virtual_tokens": self.tokens}
        return Prompted(with_peft(encoder, self.config(encoder, **shape)))

    def unwrap(self, wrapped: Module) -> Module:
        assert isinstance(wrapped, Prompted)  # noqa: S101  # by ``wrap``
        encoder: Module = wrapped.wrapped.get_base_model()
        return encoder
