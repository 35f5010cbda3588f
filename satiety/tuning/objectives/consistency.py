"""Consistency training on unlabelled texts: the output should not change when some tokens are hidden.

Sources: consistency on unlabelled text, Xie et al. 2020, UDA (arXiv:1904.12848), section 2; views by hiding tokens,
Shen et al. 2020, token cutoff (arXiv:2009.13818). Hiding tokens works for every language and moves no token, so it also
applies to problems with one output per token.
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
    """Add a consistency loss on raw texts: outputs should stay the same when some tokens are hidden."""

    uses_documents: ClassVar = True
    can_generate: ClassVar = False  # raw texts have no reference to predict

    weight: float = Field(gt=0, le=100, default=1.0)
    """Weight of the consistency loss relative to the supervised loss."""
    hidden: float = Field(gt=0, lt=1, default=0.15)
    """Share of the tokens that are hidden; the first token of a window never is."""
    texts: int = Field(ge=1, le=4096, default=16)
    """Number of raw texts per update; without raw texts the labelled ones are used."""

    def loss(self, update: Update) -> Tensor:
        import torch

        batch = update.draw_raw(self.texts)
        mask = _hide_tokens(batch, self.hidden, update.rng)
        with torch.no_grad():
            targets = update.model(batch)
        outputs = update.model(replace(batch, attention_mask=mask))
        divergence = update.model.task_head.divergence(outputs, targets)
        if divergence.ndim > 1:  # mean over the tokens visible in both views
            divergence = (divergence * mask).sum(1) / mask.sum(1)
        return update.compute_supervised_loss() + self.weight * divergence.mean()


def _hide_tokens(batch: Batch, hidden: float, rng: np.random.Generator) -> Tensor:
    """Return the batch's attention mask, shape (windows, tokens), with a share of the tokens masked."""
    import torch

    mask = batch.attention_mask
    is_visible = torch.from_numpy(rng.random(mask.shape) >= hidden).to(mask.device)
    is_visible[:, 0] = True
    return mask * is_visible
