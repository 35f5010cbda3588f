"""How long and in which steps a model is trained: the part of the parameters that every method shares."""

from __future__ import annotations

import math

from pydantic import BaseModel, Field

from satiety.core.section import FIELDS, MAX_COUNT


class TrainingArguments(BaseModel):
    """The loop's parameters.

    Sources: AdamW, Loshchilov & Hutter 2019 (arXiv:1711.05101); linear warm-up and decay, Devlin et al. 2019; more
    steps than three epochs give where labels are few, Mosbach et al. 2021 (arXiv:2006.04884).
    """

    model_config = FIELDS

    epochs: float = Field(gt=0, le=1000, default=8)
    """Passes over the *distinct original* examples. Copies share these updates: copying changes nothing."""
    min_steps: int = Field(ge=0, le=1_000_000, default=40)
    """Updates that are made at least, however few the examples."""
    max_steps: int = Field(ge=1, le=10_000_000, default=2000)
    """Updates that are made at most."""
    batch_size: int = Field(ge=1, le=4096, default=16)
    """Examples per update."""
    warmup: float = Field(ge=0, le=1, default=0.1)
    """Share of the updates over which the learning rate rises from 0; after it, it falls linearly to 0."""
    weight_decay: float = Field(ge=0, le=1, default=0.01)
    """Decoupled weight decay; never on biases and normalisation."""
    max_grad_norm: float = Field(gt=0, default=1.0)
    """Largest norm of the gradient; a larger one is scaled down to it."""
    weight_averaging: float | None = Field(ge=0, le=100, default=1.0)
    """What is judged and kept is an average of the weights of all updates since warm-up, steadier than those of one:
    0 is the plain mean, more weighs later updates more; null keeps a step's own weights. Sources: Izmailov et al. 2018
    (arXiv:1803.05407); polynomial decay, Shamir & Zhang 2013 (arXiv:1212.1824)."""
    evaluations: int = Field(ge=1, le=1000, default=8)
    """How often the model is judged on dev, evenly over the run, besides once before the first update."""
    patience: int | None = Field(ge=1, le=MAX_COUNT, default=3)
    """Checks in a row without a better one after which training stops; null goes to the end. The best is restored."""

    def count_warmup_steps(self, steps: int) -> int:
        """Return how many of so many updates are warm-up."""
        return round(self.warmup * steps)

    def count_steps(self, originals: int) -> int:
        """Return the number of updates for so many distinct original examples."""
        steps = math.ceil(self.epochs * originals / self.batch_size)
        return min(max(steps, self.min_steps, 1), self.max_steps)
