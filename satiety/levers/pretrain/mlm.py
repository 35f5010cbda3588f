"""Continued masked language modelling on retrieved texts.

Sources: task-adaptive pre-training, Gururangan et al. 2020 (arXiv:2004.10964); masking (80 % of the chosen tokens
masked, 10 % replaced, 10 % kept), Devlin et al. 2019, BERT (arXiv:1810.04805), section 3.1; whole words, Cui et al.
2019 (arXiv:1906.08101).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.levers.pretrain.base import (
    PRETRAINERS,
    TINY,
    Pretrainer,
    PretrainingArguments,
    PretrainOutcome,
    check_texts,
)

if TYPE_CHECKING:
    from satiety.training.checkpoint import CheckpointStore


@PRETRAINERS.register("mlm")
class MaskedLanguageModel(Pretrainer):
    """Masked language modelling on the retrieved texts."""

    learning_rate: float = Field(gt=0, le=1, default=5e-5, examples=[1e-4])
    """Peak learning rate of the encoder's weights."""
    head_learning_rate: float = Field(gt=0, le=1, default=1e-3)
    """Peak learning rate of the language modelling head, which is randomly initialised."""
    max_length: int = Field(ge=8, le=8192, default=64, examples=[16])
    """Tokens per window; longer texts are split into several windows."""
    share: float = Field(gt=0, lt=1, default=0.15)
    """Share of the tokens to predict."""
    whole_words: bool = True
    """Whether to choose all tokens of a word together."""
    held_out: float = Field(ge=0, lt=1, default=0.05, examples=[0.2])
    """Share of the windows used for evaluation only; the weights with the lowest loss on them are kept. With 0 the last
    weights are kept."""
    training: PretrainingArguments = Field(default_factory=PretrainingArguments, examples=[TINY])
    """Number of updates, batch size and schedule."""

    def run(
        self, base: Path, texts: Sequence[str], output: Path, *, seed: int, store: CheckpointStore, device: str
    ) -> PretrainOutcome:
        from satiety.levers.pretrain.masked.trainer import pretrain

        check_texts(texts)
        return pretrain(base, texts, output, params=self, seed=seed, store=store, device=device)
