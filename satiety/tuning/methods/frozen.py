"""Linear probing: only the head is fitted, by a solver instead of gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from satiety.tuning.methods.base import METHODS, Method

if TYPE_CHECKING:
    from torch.nn import Parameter

    from satiety.tuning.model import Model


@METHODS.register("frozen")
class Frozen(Method):
    """Keep the encoder frozen and fit the head by a logistic regression on its features."""

    can_generate: ClassVar = False  # fits a linear head only

    @property
    def needs_training(self) -> bool:
        return False

    def prepare(self, model: Model, steps: int) -> None:
        for weight in model.encoder.parameters():
            weight.requires_grad_(False)

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        yield from ()
