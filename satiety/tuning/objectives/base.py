"""The interface of objectives: how the loss of one update is computed from a model and a batch.

An objective may run the model several times: on masked views, on raw texts, on perturbed embeddings. The distance of
outputs to targets or to other outputs is defined by the head (`satiety.heads`), so an objective works for all problems.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from satiety.core.registry import Component, Registry

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from satiety.tuning.inputs import Batch
    from satiety.tuning.model import Model


@dataclass(frozen=True, slots=True)
class Update:
    """Model, batch and random generator of one update."""

    model: Model
    """In training mode, on its device."""
    batch: Batch
    """Windows with their targets, on the model's device."""
    draw_raw: Callable[[int], Batch]
    """Draws at most that many windows for unsupervised losses: of raw texts, or of the examples where there are none.
    Their targets must not be used."""
    rng: np.random.Generator
    """The only source of randomness besides dropout, seeded from (seed, step)."""

    def compute_supervised_loss(self) -> Tensor:
        """Return the head's loss of the batch, a scalar."""
        return self.model.task_head.loss(self.model(self.batch), self.batch.targets)


class Objective(Component):
    """The loss that training minimises; used by methods that train by gradient descent."""

    uses_documents: ClassVar[bool] = False
    """Whether the loss uses raw texts."""
    can_generate: ClassVar[bool] = True
    """Whether the objective can train generative models."""

    @abstractmethod
    def loss(self, update: Update) -> Tensor:
        """Return the loss of one update, a scalar."""


OBJECTIVES: Registry[Objective] = Registry("objective", "satiety.tuning.objectives")
