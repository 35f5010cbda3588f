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

    reads: ClassVar = True
    writes: ClassVar = False  # without a reference there is nothing to foretell

    weight: float = Field(gt=0, le=100, default=1.0)
    """Of the penalty; the labelled examples' loss weighs 1."""
    hidden: float = Field(gt=0, lt=1, default=0.15)
    """Share of the tokens that the second view does not see; the first of a window stays."""
    texts: int = Field(ge=1, le=4096, default=16)
    """Raw texts in an update; the examples' own where there are none."""

    def loss(self, update: Update) -> Tensor:
        import torch

        whole = update.raw(self.texts)
        seen = _seen(whole, self.hidden, update.draw)
        with torch.no_grad():
            wanted = update.model(whole)
        outputs = update.model(replace(whole, attention_mask=seen))
        apart = update.model.over.divergence(outputs, wanted)
        if apart.ndim > 1:  # of each token that both views see
            apart = (apart * seen).sum(1) / seen.sum(1)
        return update.supervised() + self.weight * apart.mean()


def _seen(batch: Batch, hidden: float, draw: np.random.Generator) -> Tensor:
    """Return an attention mask as the batch's, shape (windows, tokens), without a share of the tokens."""
    import torch

    mask = batch.attention_mask
    kept = torch.from_numpy(draw.random(mask.shape) >= hidden).to(mask.device)
    kept[:, 0] = True
    return mask * kept
