"""Go on with masked language modelling, on the texts that bear on the problem.

Sources: Devlin et al. 2019, BERT (arXiv:1810.04805), section 3.1, for the masking (of the chosen tokens .8 are masked,
.1 replaced, .1 kept); Gururangan et al. 2020 (arXiv:2004.10964), task-adaptive pre-training; Cui et al. 2019
(arXiv:1906.08101) for whole words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.errors import DataError
from satiety.core.section import MAX_COUNT
from satiety.levers.pretrain.base import PRETRAINERS, Pretrainer, PretrainOutcome
from satiety.training.arguments import TrainingArguments

if TYPE_CHECKING:
    from satiety.training.checkpoint import CheckpointStore

TINY = {"epochs": 2, "min_steps": 2, "max_steps": 2, "batch_size": 2, "evaluations": 1}


class PretrainingArguments(TrainingArguments):
    """The loop's parameters: few passes over many texts, of which the last step is as good as any."""

    epochs: float = Field(gt=0, le=1000, default=1)
    """Passes over the texts."""
    max_steps: int = Field(ge=1, le=10_000_000, default=500)
    """Updates that are made at most."""
    weight_averaging: float | None = Field(ge=0, le=100, default=None)
    """As in ``finetune``; null keeps a step's own weights."""
    evaluations: int = Field(ge=1, le=1000, default=4)
    """How often the model is judged on the texts held out."""
    patience: int | None = Field(ge=1, le=MAX_COUNT, default=None)
    """Checks in a row without a better one after which training stops; null goes to the end."""


@PRETRAINERS.register("mlm")
class MaskedLanguageModel(Pretrainer):
    """Learn to fill in masked tokens of the retrieved texts."""

    learning_rate: float = Field(gt=0, le=1, default=5e-5, examples=[1e-4])
    """Peak learning rate of the encoder's weights."""
    head_learning_rate: float = Field(gt=0, le=1, default=1e-3)
    """Peak learning rate of the new head, which starts from nothing."""
    max_length: int = Field(ge=8, le=8192, default=64, examples=[16])
    """Tokens per window; a longer text gives several."""
    share: float = Field(gt=0, lt=1, default=0.15)
    """Share of the tokens to be filled in."""
    whole_words: bool = True
    """Whether all pieces of a word are chosen together."""
    held_out: float = Field(ge=0, lt=1, default=0.05, examples=[0.2])
    """Share of the texts that only judges: the step with the least loss on it is kept. 0 keeps the last step."""
    training: PretrainingArguments = Field(default_factory=PretrainingArguments, examples=[TINY])
    """How long and in which steps it is trained."""

    def run(
        self, base: Path, texts: Sequence[str], output: Path, *, seed: int, store: CheckpointStore, device: str
    ) -> PretrainOutcome:
        from satiety.levers.pretrain.masked.trainer import pretrain

        if not texts:
            raise DataError(
                "pretrain: mlm has no retrieved document to learn from; put a lever of kind retrieve into `use` that "
                "finds some, or take the one of kind pretrain out"
            )
        return pretrain(base, texts, output, params=self, seed=seed, store=store, device=device)
