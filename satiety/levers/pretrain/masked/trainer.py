"""Texts and a base model -> the base model, trained further by masked language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.core.errors import ModelError
from satiety.core.files import write_atomically
from satiety.levers.pretrain.base import PretrainOutcome, check_length, collect_facts
from satiety.levers.pretrain.masked.masks import find_word_starts, mask_tokens
from satiety.levers.pretrain.masked.model import MaskedModel
from satiety.training.batches import group_by_length, pad_rows
from satiety.training.encoder import count_positions, load_encoder, load_tokenizer, save_encoder
from satiety.training.hardware import Hardware, detect_hardware
from satiety.training.loop import Evaluation, TrainingJob, TrainingLoop

if TYPE_CHECKING:
    from satiety.levers.pretrain.mlm import MaskedLanguageModel
    from satiety.training.checkpoint import CheckpointStore

MAX_BATCH_TOKENS = 4096
"""Maximum number of tokens per batch of held-out texts, including padding."""


@dataclass(frozen=True, slots=True)
class TokenWindow:
    """A window of a text, as tokens with their word numbers."""

    input_ids: list[int]
    words: list[int]
    """Number of each token's word, -1 for special tokens."""


def pretrain(
    base: Path,
    texts: Sequence[str],
    output: Path,
    *,
    params: MaskedLanguageModel,
    seed: int,
    store: CheckpointStore,
    device: str,
) -> PretrainOutcome:
    """Train on the texts and write the encoder to ``output``; the head is discarded."""
    hardware, tokenizer = detect_hardware(device), load_tokenizer(base)
    if tokenizer.mask_token_id is None:
        raise ModelError(
            f"{base}: the tokenizer has no mask token, which the pretrainer mlm needs: use another base model, or "
            "remove the lever of kind pretrain from `use`"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MaskedModel(load_encoder(base))
    check_length(params.max_length, count_positions(model.encoder), base)
    model.to(hardware.device)
    train, held_out = _split(_encode_windows(tokenizer, texts, params), params.held_out, seed)
    task = _MaskedTask(model, tokenizer, params, hardware, seed)
    steps = params.training.count_steps(len(train))
    job = TrainingJob(
        model=model,
        rates=[
            (name, weight, params.learning_rate if name.startswith("encoder.") else params.head_learning_rate)
            for name, weight in model.named_parameters()
        ],
        lengths=[len(window.input_ids) for window in train],
        loss=lambda indices, step: task.loss([train[i] for i in indices], step),
        evaluate=(lambda: task.evaluate(held_out)) if held_out else None,
        steps=steps,
        seed=seed,
    )
    state = TrainingLoop(job, params.training, hardware, store).run()
    with write_atomically(output) as temporary:
        temporary.mkdir()
        save_encoder(model.encoder, base, temporary)
    return PretrainOutcome(state.loss_curve, collect_facts(state, hardware, len(train)), len(texts))


def _encode_windows(tokenizer: Any, texts: Sequence[str], params: MaskedLanguageModel) -> list[TokenWindow]:
    """Return the windows of the texts, without those of special tokens only."""
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=params.max_length,
        return_overflowing_tokens=True,
        return_special_tokens_mask=True,
    )
    windows = []
    for ids, special in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True):
        word_starts = find_word_starts(tokenizer, ids) if params.whole_words else [True] * len(ids)
        word_index = np.cumsum(np.array(word_starts) | np.array(special, dtype=bool))
        if not all(special):
            windows.append(TokenWindow(ids, np.where(special, -1, word_index).tolist()))
    if not windows:
        raise ModelError("pretrain: the retrieved documents contain no tokens: check data/retrieved.parquet")
    return windows


def _split(windows: list[TokenWindow], share: float, seed: int) -> tuple[list[TokenWindow], list[TokenWindow]]:
    """Return (train, held out); with ``share`` above 0, each has at least one window where there are two."""
    count = min(round(share * len(windows)) or bool(share), len(windows) - 1)
    held_out = set(np.random.default_rng(seed).permutation(len(windows))[:count].tolist())
    return [p for i, p in enumerate(windows) if i not in held_out], [windows[i] for i in sorted(held_out)]


@dataclass(frozen=True, slots=True)
class _MaskedTask:
    model: MaskedModel
    tokenizer: Any
    params: MaskedLanguageModel
    hardware: Hardware
    seed: int

    def loss(self, windows: Sequence[TokenWindow], step: int) -> torch.Tensor:
        """Return the loss of a batch; its masks depend on (seed, step) only."""
        ids, attention_mask = pad_rows([window.input_ids for window in windows], self.tokenizer.pad_token_id)
        words, _ = pad_rows([window.words for window in windows], -1)
        masked, targets = mask_tokens(
            ids,
            words,
            share=self.params.share,
            mask_id=self.tokenizer.mask_token_id,
            vocabulary=self.model.vocabulary,
            rng=torch.Generator().manual_seed(self.seed * 1_000_003 + step),
        )
        device = self.hardware.device
        loss: torch.Tensor = self.model(masked.to(device), attention_mask.to(device), targets.to(device))
        return loss

    @torch.inference_mode()
    def evaluate(self, windows: Sequence[TokenWindow]) -> Evaluation:
        """Return the mean loss on held-out windows, with the same masks each time; the score is exp(−loss)."""
        self.model.eval()
        batches = group_by_length([len(window.input_ids) for window in windows], MAX_BATCH_TOKENS)
        losses = []
        for number, indices in enumerate(batches):
            with self.hardware.autocast():
                losses.append(self.loss([windows[i] for i in indices], -1 - number).item() * len(indices))
        mean = sum(losses) / len(windows)
        return Evaluation(float(np.exp(-mean)), mean)
