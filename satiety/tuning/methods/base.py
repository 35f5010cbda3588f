"""What a method decides: which weights may change, how fast, and from where the head starts.

``prepare`` changes the model before the first step, ``after_step`` may between steps, and ``finish`` makes the encoder
a plain one again. What cannot be merged into it stays beside it: `Beside`.
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
    """How much of the model may change."""

    has_adapter: ClassVar[bool] = False
    """Whether what it learns stays beside the encoder, in a file of its own."""
    can_generate: ClassVar[bool] = True
    """Whether it can teach a model that answers by its decoder: one without a linear head."""

    @property
    def virtual_tokens(self) -> int:
        """How many positions it takes of those that the encoder can read."""
        return 0

    @property
    def solves_head(self) -> bool:
        """Whether the head starts as the solution of a logistic regression on the untouched encoder's features."""
        return True

    @property
    def needs_training(self) -> bool:
        """Whether there is anything left for the training loop."""
        return True

    @abstractmethod
    def prepare(self, model: Model, steps: int) -> None:
        """Wrap the encoder, and mark by ``requires_grad`` what may change.

        Args:
            model: to be trained.
            steps: how many updates are planned; 0 where none is, as when a model is loaded.
        """

    def after_step(self, model: Model, step: int) -> None:
        """Make the model such as it is to be after so many updates: freeze, thaw, prune.

        A run that was cut off calls it once for the step from which it goes on.
        """

    @abstractmethod
    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        """Yield (name, weight, peak learning rate) of everything that may change."""

    def finish(self, model: Model) -> None:
        """Merge what was learned into the encoder, such that it is a plain one again; `Beside` leaves it as it is."""

    def split(self, model: Model) -> tuple[Module, dict[str, Tensor]]:
        """Return the plain encoder of a finished model, and what was learned beside it, by name."""
        return model.encoder, {}

    def attach(self, model: Model, adapter: Mapping[str, Tensor]) -> None:
        """Put beside a plain encoder what was learned beside it.

        Raises:
            ModelError: it is of another method or encoder.
        """


class GradientMethod(Method):
    """A method that trains by gradient steps."""

    learning_rate: float = Field(gt=0, le=1, default=2e-5, examples=[1e-3])
    """Peak learning rate of the encoder's weights."""
    head_learning_rate: float = Field(gt=0, le=1, default=2e-5, examples=[1e-2])
    """Peak learning rate of the head."""
    head_start: bool = True
    """Start from the head that solves a logistic regression on the untouched encoder, so that the first steps do not
    tear good features apart for a random head. Source: LP-FT, Kumar et al. 2022, arXiv:2202.10054."""

    @property
    def solves_head(self) -> bool:
        return self.head_start

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                yield name, weight, self.head_learning_rate if name.startswith("head.") else self.learning_rate


class ParameterEfficient(GradientMethod):
    """A method that trains weights of its own, and leaves the encoder's frozen."""

    learning_rate: float = Field(gt=0, le=1, default=1e-3)
    """Peak learning rate of these weights, which start from nothing: larger than where an encoder's own change."""
    head_learning_rate: float = Field(gt=0, le=1, default=1e-2)
    """Peak learning rate of the head."""


class AdapterMethod(ParameterEfficient):
    """A method whose encoder stays as it was, byte by byte; it learns weights beside it that cannot be merged."""

    has_adapter: ClassVar = True

    @abstractmethod
    def wrap(self, encoder: Module) -> Module:
        """Return the encoder with fresh weights beside its own.

        Its parameters that require gradients are those that it came with: mark them.

        Raises:
            ModelError: the method does not fit the encoder; says why.
        """

    @abstractmethod
    def unwrap(self, wrapped: Module) -> Module:
        """Return the encoder as it came; the wrapped one can still be used."""

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
            raise ModelError(f"{mismatch[0]}, shape {mismatch[1]}, does not fit method {self.kind!r} and the encoder")
        for name, weight in expected.items():
            weight.data.copy_(adapter[name])


def _get_trainable(encoder: Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in encoder.named_parameters() if weight.requires_grad}


def get_shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor by its name."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def wrap_with_peft(encoder: Module, config: Any) -> Any:
    """Return the encoder as PEFT wraps it."""
    from peft import get_peft_model

    with warnings.catch_warnings():  # PEFT 0.21 asks Transformers 5 by an old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(encoder, config)


METHODS: Registry[Method] = Registry("method", "satiety.tuning.methods")
