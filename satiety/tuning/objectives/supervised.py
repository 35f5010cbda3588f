"""The head's own loss of the labelled examples, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

if TYPE_CHECKING:
    from torch import Tensor


@OBJECTIVES.register("supervised")
class Supervised(Objective):
    """Learn from the labelled examples alone: cross-entropy, or what else the head's loss is."""

    def loss(self, update: Update) -> Tensor:
        return update.compute_supervised_loss()
