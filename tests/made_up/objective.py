"""Two passes under different dropout must agree. Source: Liang et al. 2021, R-Drop (arXiv:2106.14448)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

if TYPE_CHECKING:
    from torch import Tensor


@OBJECTIVES.register("made_up")
class MadeUp(Objective):
    """Train on two passes, and penalise their divergence."""

    weight: float = Field(gt=0, le=100, default=0.5)
    """Weight of the divergence relative to the loss."""

    def loss(self, update: Update) -> Tensor:
        first, second = update.model(update.batch), update.model(update.batch)
        head, targets = update.model.task_head, update.batch.targets
        divergence = head.divergence(first, second) + head.divergence(second, first)
        return (head.loss(first, targets) + head.loss(second, targets)) / 2 + self.weight * divergence.mean()
