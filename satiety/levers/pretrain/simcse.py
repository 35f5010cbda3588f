"""Continued training of the sentence encoder on raw texts by unsupervised SimCSE.

Each text passes twice through the encoder, with different dropout. Of all second views in the batch, the first view of
a text should be most similar to its own:

    loss = mean over i of −log( exp(cos(aᵢ, bᵢ) / τ) / Σⱼ exp(cos(aᵢ, bⱼ) / τ) )

Source: Gao, Yao & Chen 2021 (arXiv:2104.08821), section 3; the loss is its equation 4. The vectors are pooled as in
``project.pooling``, so that what is trained is what recipes and retrievers use; the paper has the first token and a
layer on top that is discarded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from satiety.core.errors import DataError, ModelError
from satiety.core.files import write_atomically
from satiety.core.project import Pooling
from satiety.levers.pretrain.base import (
    PRETRAINERS,
    TINY,
    Pretrainer,
    PretrainingArguments,
    PretrainOutcome,
    check_length,
    check_texts,
    collect_facts,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from satiety.training.checkpoint import CheckpointStore
    from satiety.training.hardware import Hardware
    from satiety.training.loop import Evaluation

MIN_HELD_OUT = 2
"""Minimum number of held-out texts: the loss of a batch of one text is always 0."""


class SimcseArguments(PretrainingArguments):
    """Training arguments with a larger batch, because the other texts of a batch are the negatives."""

    batch_size: int = Field(ge=2, le=4096, default=64)
    """Texts per update, each encoded twice. The paper uses 64 for BERT-base."""


@PRETRAINERS.register("simcse")
class Simcse(Pretrainer):
    """Contrastive training on the retrieved texts: two dropout masks of a text are similar, different texts are not."""

    learning_rate: float = Field(gt=0, le=1, default=3e-5, examples=[1e-4])
    """Peak learning rate. The paper uses 3e-5 for BERT-base."""
    temperature: float = Field(gt=0, le=10, default=0.05)
    """Divisor of the cosines (τ). The paper uses 0.05."""
    dropout: float = Field(gt=0, lt=1, default=0.1)
    """Probability of dropout in all layers of the encoder during this training, whatever its config says. The paper
    finds 0.1 to be best."""
    max_length: int = Field(ge=8, le=8192, default=64, examples=[16])
    """Tokens per text; longer texts are truncated, because two windows of a text are no good negatives."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    pooling: Pooling
    """Pooling of token vectors into a text vector: ``mean`` of all, or the ``first`` (BERT's [CLS])."""
    held_out: float = Field(ge=0, lt=1, default=0.05, examples=[0.2])
    """Share of the texts used for evaluation only; the weights with the lowest loss on them are kept. With 0 the last
    weights are kept."""
    training: SimcseArguments = Field(default_factory=SimcseArguments, examples=[TINY])
    """Number of updates, batch size and schedule."""

    def run(
        self, base: Path, texts: Sequence[str], output: Path, *, seed: int, store: CheckpointStore, device: str
    ) -> PretrainOutcome:
        from satiety.training.encoder import count_positions, load_encoder, load_tokenizer, save_encoder
        from satiety.training.hardware import detect_hardware
        from satiety.training.loop import TrainingJob, TrainingLoop

        check_texts(texts)
        hardware, tokenizer, encoder = detect_hardware(device), load_tokenizer(base), load_encoder(base)
        check_length(self.max_length, count_positions(encoder), base)

        # 1. distinct texts as token ids, and an encoder whose two views of a text differ
        train, held_out = self._split(self._encode(tokenizer, texts), seed)
        _set_dropout(encoder, self.dropout, base)
        task = _ContrastiveTask(encoder.to(hardware.device), tokenizer.pad_token_id, self, hardware, seed)

        # 2. the training, resumed where it was interrupted
        job = TrainingJob(
            model=encoder,
            rates=[(name, weight, self.learning_rate) for name, weight in encoder.named_parameters()],
            lengths=[len(row) for row in train],
            loss=lambda indices, _: task.loss([train[i] for i in indices]),
            evaluate=(lambda: task.evaluate(held_out)) if held_out else None,
            steps=self.training.count_steps(len(train)),
            seed=seed,
        )
        state = TrainingLoop(job, self.training, hardware, store).run()

        # 3. the encoder in the format of its base
        with write_atomically(output) as temporary:
            temporary.mkdir()
            save_encoder(encoder, base, temporary)
        return PretrainOutcome(state.loss_curve, collect_facts(state, hardware, len(train)), len(texts))

    def _encode(self, tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of the distinct texts: a repeated text would be a negative of itself."""
        options = {"truncation": True, "max_length": self.max_length}
        rows = tokenizer([self.prefix + text for text in texts], **options)["input_ids"]
        blank = tokenizer(self.prefix, **options)["input_ids"]
        distinct = [list(row) for row in dict.fromkeys(map(tuple, rows)) if list(row) != blank]
        if len(distinct) < 2:
            raise DataError(
                f"pretrain: simcse compares different texts, but of the {len(texts)} retrieved documents only "
                f"{len(distinct)} are different and not empty: retrieve more, or remove the lever of kind pretrain"
            )
        return distinct

    def _split(self, rows: list[list[int]], seed: int) -> tuple[list[list[int]], list[list[int]]]:
        """Return (train, held out); too few texts for both are all for training."""
        import numpy as np

        count = max(round(self.held_out * len(rows)), MIN_HELD_OUT) if self.held_out else 0
        count = min(count, len(rows) - 2)
        if count < MIN_HELD_OUT:
            return rows, []
        order = np.random.default_rng(seed).permutation(len(rows)).tolist()
        return [rows[i] for i in sorted(order[count:])], [rows[i] for i in order[:count]]


def _set_dropout(encoder: nn.Module, probability: float, base: Path) -> None:
    """Set the probability of every dropout layer; the config that is saved keeps its own."""
    from torch.nn import Dropout

    layers = [module for module in encoder.modules() if isinstance(module, Dropout)]
    if not layers:
        raise ModelError(
            f"{base}: the encoder has no dropout layer, so that both views of a text would be equal: use the "
            "pretrainer mlm, or another base model"
        )
    for layer in layers:
        layer.p = probability


@dataclass(frozen=True, slots=True)
class _ContrastiveTask:
    """Loss and evaluation of an encoder; rows are token ids of texts."""

    encoder: nn.Module
    pad: int
    params: Simcse
    hardware: Hardware
    seed: int

    def loss(self, rows: Sequence[list[int]]) -> Tensor:
        """Return the loss of a batch; its dropout comes from PyTorch's global generator."""
        from satiety.training.batches import pad_rows
        from satiety.training.encoder import average_tokens

        ids, mask = (tensor.to(self.hardware.device) for tensor in pad_rows([*rows, *rows], self.pad))
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        vectors = average_tokens(states, mask) if self.params.pooling == "mean" else states[:, 0].float()
        return compare_views(vectors[: len(rows)], vectors[len(rows) :], self.params.temperature)

    def evaluate(self, rows: Sequence[list[int]]) -> Evaluation:
        """Return the mean loss on held-out texts, with the same dropout each time; the score is exp(−loss)."""
        import math

        import torch

        from satiety.training.loop import Evaluation

        self.encoder.train()
        total, size = 0.0, self.params.training.batch_size
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            torch.manual_seed(self.seed + start)
            with torch.inference_mode(), self.hardware.autocast():
                total += self.loss(batch).item() * len(batch)
        mean = total / len(rows)
        return Evaluation(math.exp(-mean), mean)


def compare_views(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the mean cross-entropy of finding each text's second view among those of the batch (InfoNCE).

    Args:
        first: vectors of the texts, float32, shape (texts, hidden).
        second: vectors of the same texts with other dropout, same shape.
        temperature: divisor of the cosines.
    """
    import torch
    from torch.nn import functional

    with torch.autocast(first.device.type, enabled=False):  # bfloat16 has two digits of a cosine, too few after τ
        cosines = functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).T
        return functional.cross_entropy(cosines / temperature, torch.arange(len(first), device=first.device))
