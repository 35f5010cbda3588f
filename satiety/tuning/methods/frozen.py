"""Nothing but the head changes; it is solved, not trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from satiety.tuning.methods.base import METHODS, Method

if TYPE_CHECKING:
    from torch.nn import Parameter

    from satiety.tuning.model import Model


@METHODS.register("frozen")
class Frozen(Method):
    """Leave the encoder as it is; solve a logistic regression on its features for the head."""

    can_generate: ClassVar = False  # a head of its own is all that it learns

    @property
    def needs_training(self) -> bool:
        return False

    def prepare(self, model: Model, steps: int) -> None:
        for weight in model.encoder.parameters():
            weight.requires_grad_(False)

    def rates(self, model: Model) -> Iterator[tuple[str, Parameter, float]]:
        yield from ()
