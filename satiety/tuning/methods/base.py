"""What a method decides: which weights may change, how fast, and from where the head starts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.registry import Component, Registry

if TYPE_CHECKING:
    from torch.nn import Parameter

    from satiety.tuning.model import Model


class Method(Component):
    """How much of the model may change."""

    @property
    def solves(self) -> bool:
        """Whether the head starts as the solution of a logistic regression on the untouched encoder's features."""
        return True

    @property
    def trains(self) -> bool:
        """Whether there is anything left for the training loop."""
        return True

    @abstractmethod
    def prepare(self, model: Model) -> None:
        """Wrap the encoder, and mark by ``requires_grad`` what may change."""

    @abstractmethod
    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        """Yield (name, weight, peak learning rate) of everything that may change."""

    def finish(self, model: Model) -> None:
        """Undo the wrapping, such that the encoder is a plain one again."""


class Stepwise(Method):
    """A method that trains by gradient steps."""

    learning_rate: float = Field(gt=0, le=1, default=2e-5, examples=[1e-3])
    """Peak learning rate of the encoder's weights."""
    head_learning_rate: float = Field(gt=0, le=1, default=2e-5, examples=[1e-2])
    """Peak learning rate of the head."""
    head_start: bool = True
    """Start from the head that solves a logistic regression on the untouched encoder, so that the first steps do not
    tear good features apart for a random head. Source: LP-FT, Kumar et al. 2022, arXiv:2202.10054."""

    @property
    def solves(self) -> bool:
        return self.head_start

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                yield name, weight, self.head_learning_rate if name.startswith("head.") else self.learning_rate


METHODS: Registry[Method] = Registry("method", "satiety.tuning.methods")
