"""Mixup: interpolated features of two examples, with their losses interpolated alike.

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
    """Interpolate the features of two examples, and their losses in the same proportion."""

    can_generate: ClassVar = False  # the tokens of two references do not correspond

    alpha: float = Field(gt=0, le=10, default=0.2)
    """Parameter of the Beta(alpha, alpha) distribution of the mixing weight: near 0 hardly mixes, 1 is uniform."""

    def loss(self, update: Update) -> Tensor:
        import torch

        model, batch = update.model, update.batch
        share = float(update.rng.beta(self.alpha, self.alpha))
        order = torch.from_numpy(update.rng.permutation(len(batch.targets))).to(batch.targets.device)

        # Partners come from the same batch; with one output per token, tokens are mixed position by position.
        features = model.features(batch)
        outputs = model.outputs(share * features + (1 - share) * features[order])

        losses = [model.task_head.loss(outputs, targets) for targets in (batch.targets, batch.targets[order])]
        return share * losses[0] + (1 - share) * losses[1]
