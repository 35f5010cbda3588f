"""What an objective is: how the loss of one update is made of a model and of what it is shown.

It may run the model more than once: on rewritten views, on raw texts, after a change of its embeddings. How far outputs
are from answers, or from other outputs, is the head's to say (`satiety.heads`), so an objective serves every problem.
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
    """What the loss of one update may be made of."""

    model: Model
    """In training mode, on its device."""
    batch: Batch
    """Windows with their targets, on the same device."""
    draw_raw: Callable[[int], Batch]
    """Draws so many windows, of at most, whose targets nobody may look at: of raw texts where there are any, else of
    the examples."""
    rng: np.random.Generator
    """The only source of chance beside dropout; the same for the same step of the same run."""

    def compute_supervised_loss(self) -> Tensor:
        """Return the head's loss of the batch, a scalar."""
        return self.model.task_head.loss(self.model(self.batch), self.batch.targets)


class Objective(Component):
    """How the loss of an update is made, for the methods that train."""

    uses_documents: ClassVar[bool] = False
    """Whether it looks at raw texts."""
    can_generate: ClassVar[bool] = True
    """Whether it can teach a model that answers by its decoder: its outputs are of a reference's tokens."""

    @abstractmethod
    def loss(self, update: Update) -> Tensor:
        """Return the loss to take a step down on, a scalar."""


OBJECTIVES: Registry[Objective] = Registry("objective", "satiety.tuning.objectives")
