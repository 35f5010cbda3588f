"""The head's loss on the labelled examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

if TYPE_CHECKING:
    from torch import Tensor


@OBJECTIVES.register("supervised")
class Supervised(Objective):
    """Minimise the head's loss (cross-entropy for classes) on the labelled examples only."""

    def loss(self, update: Update) -> Tensor:
        return update.compute_supervised_loss()
