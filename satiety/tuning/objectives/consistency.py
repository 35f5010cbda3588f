"""Learning from texts without labels: what a model answers must not hang on a few of the tokens.

Sources: consistency on unlabelled text, Xie et al. 2020, UDA (arXiv:1904.12848), section 2; views by hiding tokens,
Shen et al. 2020, token cutoff (arXiv:2009.13818). Hiding needs no augmenter, serves every language, and leaves the
tokens that stay in their places, so that problems that answer for each token can use it, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from satiety.tuning.inputs import Batch


@OBJECTIVES.register("consistency")
class Consistency(Objective):
    """Add a penalty where an answer changes because some tokens of its text are hidden."""

    uses_documents: ClassVar = True
    can_generate: ClassVar = False  # without a reference there is nothing to foretell

    weight: float = Field(gt=0, le=100, default=1.0)
    """Of the penalty; the labelled examples' loss weighs 1."""
    hidden: float = Field(gt=0, lt=1, default=0.15)
    """Share of the tokens that the second view does not see; the first of a window stays."""
    texts: int = Field(ge=1, le=4096, default=16)
    """Raw texts in an update; the examples' own where there are none."""

    def loss(self, update: Update) -> Tensor:
        import torch

        batch = update.draw_raw(self.texts)
        mask = _hide_tokens(batch, self.hidden, update.rng)
        with torch.no_grad():
            targets = update.model(batch)
        outputs = update.model(replace(batch, attention_mask=mask))
        divergence = update.model.task_head.divergence(outputs, targets)
        if divergence.ndim > 1:  # of each token that both views see
            divergence = (divergence * mask).sum(1) / mask.sum(1)
        return update.compute_supervised_loss() + self.weight * divergence.mean()


def _hide_tokens(batch: Batch, hidden: float, rng: np.random.Generator) -> Tensor:
    """Return an attention mask as the batch's, shape (windows, tokens), without a share of the tokens."""
    import torch

    mask = batch.attention_mask
    is_visible = torch.from_numpy(rng.random(mask.shape) >= hidden).to(mask.device)
    is_visible[:, 0] = True
    return mask * is_visible
