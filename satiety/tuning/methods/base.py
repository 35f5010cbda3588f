"""The interface of methods: which weights are trained, at what learning rate, and how the head is initialised.

``prepare`` wraps the encoder before the first step, ``after_step`` may change the model between steps, and ``finish``
merges what was trained into the encoder. Weights that cannot be merged are saved as an adapter: see `AdapterMethod`.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from satiety.core.errors import ModelError
from satiety.core.registry import Component, Registry

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter

    from satiety.tuning.model import Model


class Method(Component):
    """Which weights of the model are trained."""

    has_adapter: ClassVar[bool] = False
    """Whether the trained weights are saved as an adapter, in a separate file."""
    can_generate: ClassVar[bool] = True
    """Whether the method can train generative models, which have a decoder and no linear head."""

    @property
    def virtual_tokens(self) -> int:
        """Number of the encoder's positions that the method uses for itself."""
        return 0

    @property
    def solves_head(self) -> bool:
        """Whether the head is initialised by a logistic regression on the features of the base encoder."""
        return True

    @property
    def needs_training(self) -> bool:
        """Whether the method has weights for the training loop to update."""
        return True

    @abstractmethod
    def prepare(self, model: Model, steps: int) -> None:
        """Wrap the encoder and set ``requires_grad`` on the weights to train.

        Args:
            model: the model to train, changed in place.
            steps: planned number of updates; 0 when a saved model is loaded.
        """

    def after_step(self, model: Model, step: int) -> None:
        """Change the model after ``step`` updates: freeze, unfreeze or prune weights.

        A resumed run calls it once for the step of its checkpoint.
        """

    @abstractmethod
    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        """Yield (name, weight, peak learning rate) of every weight to train."""

    def finish(self, model: Model) -> None:
        """Merge the trained weights into the encoder; methods with an adapter change nothing here."""

    def split(self, model: Model) -> tuple[Module, dict[str, Tensor]]:
        """Return the unwrapped encoder of a finished model, and the adapter's weights by name."""
        return model.encoder, {}

    def attach(self, model: Model, adapter: Mapping[str, Tensor]) -> None:
        """Wrap the encoder of a loaded model and set the adapter's weights.

        Raises:
            ModelError: the adapter belongs to another method or encoder.
        """


class GradientMethod(Method):
    """A method trained by gradient descent."""

    learning_rate: float = Field(gt=0, le=1, default=2e-5, examples=[1e-3])
    """Peak learning rate of the encoder's weights."""
    head_learning_rate: float = Field(gt=0, le=1, default=2e-5, examples=[1e-2])
    """Peak learning rate of the head."""
    head_start: bool = True
    """Initialise the head by a logistic regression on the features of the base encoder, so that the first updates do
    not distort good features to fit a random head. Source: LP-FT, Kumar et al. 2022, arXiv:2202.10054."""

    @property
    def solves_head(self) -> bool:
        return self.head_start

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                yield name, weight, self.head_learning_rate if name.startswith("head.") else self.learning_rate


class ParameterEfficient(GradientMethod):
    """A method that trains additional weights; those of the encoder are frozen."""

    learning_rate: float = Field(gt=0, le=1, default=1e-3)
    """Peak learning rate of the additional weights. New weights need a larger rate than pre-trained ones."""
    head_learning_rate: float = Field(gt=0, le=1, default=1e-2)
    """Peak learning rate of the head."""


class AdapterMethod(ParameterEfficient):
    """A method whose additional weights cannot be merged; the encoder stays identical to the base model."""

    has_adapter: ClassVar = True

    @abstractmethod
    def wrap(self, encoder: Module) -> Module:
        """Return the encoder with new weights added; only these have ``requires_grad``.

        Raises:
            ModelError: the method does not support the encoder.
        """

    @abstractmethod
    def unwrap(self, wrapped: Module) -> Module:
        """Return the original encoder; the wrapped one stays usable."""

    def prepare(self, model: Model, steps: int) -> None:
        for weight in model.encoder.parameters():
            weight.requires_grad_(False)
        model.encoder = self.wrap(model.encoder)

    def split(self, model: Model) -> tuple[Module, dict[str, Tensor]]:
        adapter = _get_trainable(model.encoder)
        return self.unwrap(model.encoder), adapter

    def attach(self, model: Model, adapter: Mapping[str, Tensor]) -> None:
        self.prepare(model, 0)
        expected = _get_trainable(model.encoder)
        if get_shapes(expected) != get_shapes(adapter):
            mismatch = sorted({*get_shapes(expected).items()} ^ {*get_shapes(adapter).items()})[0]
            raise ModelError(f"{mismatch[0]}, shape {mismatch[1]}, does not match method {self.kind!r} and the encoder")
        for name, weight in expected.items():
            weight.data.copy_(adapter[name])


def _get_trainable(encoder: Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in encoder.named_parameters() if weight.requires_grad}


def get_shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor by its name."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def wrap_with_peft(encoder: Module, config: Any) -> Any:
    """Return the encoder wrapped by PEFT."""
    from peft import get_peft_model

    with warnings.catch_warnings():  # PEFT 0.21 calls Transformers 5 by a deprecated name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(encoder, config)


METHODS: Registry[Method] = Registry("method", "satiety.tuning.methods")
