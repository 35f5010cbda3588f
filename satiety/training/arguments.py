"""Parameters of the training loop, shared by all methods."""

from __future__ import annotations

import math

from pydantic import BaseModel, Field

from satiety.core.section import FIELDS, MAX_COUNT


class TrainingArguments(BaseModel):
    """Number of updates, batch size, schedule and regularisation.

    Sources: AdamW, Loshchilov & Hutter 2019 (arXiv:1711.05101); linear warm-up and decay, Devlin et al. 2019; more
    updates than three epochs for small datasets, Mosbach et al. 2021 (arXiv:2006.04884).
    """

    model_config = FIELDS

    epochs: float = Field(gt=0, le=1000, default=8)
    """Number of passes over the distinct original examples. Copies do not add updates."""
    min_steps: int = Field(ge=0, le=1_000_000, default=40)
    """Minimum number of updates, used where there are few examples."""
    max_steps: int = Field(ge=1, le=10_000_000, default=2000)
    """Maximum number of updates."""
    batch_size: int = Field(ge=1, le=4096, default=16)
    """Examples per update."""
    warmup: float = Field(ge=0, le=1, default=0.1)
    """Share of the updates during which the learning rate rises from 0. Afterwards it decays linearly to 0."""
    weight_decay: float = Field(ge=0, le=1, default=0.01)
    """Decoupled weight decay. Not applied to biases and normalisation weights."""
    max_grad_norm: float = Field(gt=0, default=1.0)
    """Maximum norm of the gradient; larger gradients are clipped."""
    weight_averaging: float | None = Field(ge=0, le=100, default=1.0)
    """Evaluate and keep the average of the weights of all updates since warm-up, which is less noisy than a single
    update. 0 is the uniform mean, larger values give later updates more weight, null turns averaging off. Sources:
    Izmailov et al. 2018 (arXiv:1803.05407); polynomial decay, Shamir & Zhang 2013 (arXiv:1212.1824)."""
    evaluations: int = Field(ge=1, le=1000, default=8)
    """Number of evaluations on dev, evenly spaced over the run, in addition to one before the first update."""
    patience: int | None = Field(ge=1, le=MAX_COUNT, default=3)
    """Early stopping: number of consecutive evaluations without improvement after which training stops. null disables
    it. The best weights are restored in any case."""

    def count_warmup_steps(self, steps: int) -> int:
        """Return the number of warm-up updates in a run of ``steps`` updates."""
        return round(self.warmup * steps)

    def count_steps(self, originals: int) -> int:
        """Return the number of updates for ``originals`` distinct original examples."""
        steps = math.ceil(self.epochs * originals / self.batch_size)
        return min(max(steps, self.min_steps, 1), self.max_steps)
