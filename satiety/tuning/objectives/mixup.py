"""Learning between examples: features of two are mixed, and so are their losses.

Sources: Zhang et al. 2018, mixup (arXiv:1710.09412); on the features of sentences, Guo et al. 2019 (arXiv:1905.08941).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

if TYPE_CHECKING:
    from torch import Tensor


@OBJECTIVES.register("mixup")
class Mixup(Objective):
    """Mix the features of each example with those of another; the loss is that of both answers, in the same shares."""

    can_generate: ClassVar = False  # two references have no places in common

    alpha: float = Field(gt=0, le=10, default=0.2)
    """Of the Beta(alpha, alpha) that the share is drawn from: near 0 nothing is mixed, 1 draws every share alike."""

    def loss(self, update: Update) -> Tensor:
        import torch

        model, batch = update.model, update.batch
        share = float(update.rng.beta(self.alpha, self.alpha))
        order = torch.from_numpy(update.rng.permutation(len(batch.targets))).to(batch.targets.device)

        # Others of the same batch, at the same places where there are outputs for each token.
        features = model.features(batch)
        outputs = model.outputs(share * features + (1 - share) * features[order])

        losses = [model.task_head.loss(outputs, targets) for targets in (batch.targets, batch.targets[order])]
        return share * losses[0] + (1 - share) * losses[1]
