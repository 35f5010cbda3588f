"""Texts and a base model -> the base model, taught to fill in what is masked in the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.errors import ModelError, ParamsError
from satiety.files import replacing
from satiety.pretrain.base import Pretrained
from satiety.pretrain.masked.masks import mask, starts
from satiety.pretrain.masked.model import MaskedModel
from satiety.training.batches import sorted_by_length
from satiety.training.encoder import load_encoder, load_tokenizer, positions, save_encoder
from satiety.training.hardware import Hardware, hardware
from satiety.training.loop import Job, Loop, Verdict

if TYPE_CHECKING:
    from satiety.pretrain.mlm import MaskedLanguageModel
    from satiety.training.checkpoint import Store

TOKENS = 4096
"""Tokens per batch of held-out texts, padding included."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of a text."""

    input_ids: list[int]
    words: list[int]
    """Number of the word each token belongs to, -1 for special tokens."""


def pretrain(
    base: Path, texts: Sequence[str], out: Path, *, params: MaskedLanguageModel, seed: int, store: Store, device: str
) -> Pretrained:
    """Train on the texts; write the encoder into ``out``. The head is thrown away."""
    here, tokenizer = hardware(device), load_tokenizer(base)
    if tokenizer.mask_token_id is None:
        raise ModelError(f"{base}: its tokenizer has no mask token; mlm needs one, write another `kind:`")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MaskedModel(load_encoder(base))
    _fits(model.encoder, base, params.max_length)
    model.to(here.device)
    train, held = _split(_pieces(tokenizer, texts, params), params.held_out, seed)
    run = _Run(model, tokenizer, params, here, seed)
    steps = params.training.steps(len(train))
    job = Job(
        model=model,
        rates=[
            (name, weight, params.learning_rate if name.startswith("encoder.") else params.head_learning_rate)
            for name, weight in model.named_parameters()
        ],
        lengths=[len(piece.input_ids) for piece in train],
        loss=lambda chosen, step: run.loss([train[i] for i in chosen], step),
        judge=(lambda: run.verdict(held)) if held else None,
        steps=steps,
        seed=seed,
    )
    course = Loop(job, params.training, here, store).run()
    with replacing(out) as temporary:
        temporary.mkdir()
        save_encoder(model.encoder, base, temporary)
    facts: dict[str, Any] = {
        "device": here.device,
        "precision": here.precision,
        "steps": course.step,
        "windows": len(train),
    }
    if course.verdict:
        facts |= {
            "best_step": course.best_step,
            "held_out": {"before": course.dev.points[0]["loss"], "after": course.verdict.loss},
        }
    return Pretrained(course.loss, facts, len(texts))


def _fits(encoder: Any, base: Path, length: int) -> None:
    reach = positions(encoder)
    if reach is not None and length > reach:
        raise ParamsError(
            f"pretrain: pretrainer.max_length: {length} tokens, but {base} reads at most {reach}; lower it"
        )


def _pieces(tokenizer: Any, texts: Sequence[str], params: MaskedLanguageModel) -> list[Piece]:
    """Return the windows that hold anything but special tokens."""
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=params.max_length,
        return_overflowing_tokens=True,
        return_special_tokens_mask=True,
    )
    pieces = []
    for ids, special in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True):
        begins = starts(tokenizer, ids) if params.whole_words else [True] * len(ids)
        numbers = np.cumsum(np.array(begins) | np.array(special, dtype=bool))
        if not all(special):
            pieces.append(Piece(ids, np.where(special, -1, numbers).tolist()))
    if not pieces:
        raise ModelError("pretrain: the retrieved documents hold no token at all; look at data/retrieved.parquet")
    return pieces


def _split(pieces: list[Piece], share: float, seed: int) -> tuple[list[Piece], list[Piece]]:
    """Return (train, held out); both keep at least one piece where anything is held out at all."""
    count = min(round(share * len(pieces)) or bool(share), len(pieces) - 1)
    held = set(np.random.default_rng(seed).permutation(len(pieces))[:count].tolist())
    return [p for i, p in enumerate(pieces) if i not in held], [pieces[i] for i in sorted(held)]


@dataclass(frozen=True, slots=True)
class _Run:
    model: MaskedModel
    tokenizer: Any
    params: MaskedLanguageModel
    hardware: Hardware
    seed: int

    def loss(self, pieces: Sequence[Piece], step: int) -> torch.Tensor:
        """Return the loss of a batch; its masks are drawn from (seed, step)."""
        width = max(len(piece.input_ids) for piece in pieces)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([piece.input_ids + [pad] * (width - len(piece.input_ids)) for piece in pieces])
        words = torch.tensor([piece.words + [-1] * (width - len(piece.words)) for piece in pieces])
        there = torch.tensor([[1] * len(piece.words) + [0] * (width - len(piece.words)) for piece in pieces])
        masked, targets = mask(
            ids,
            words,
            share=self.params.share,
            mask_id=self.tokenizer.mask_token_id,
            vocabulary=self.model.vocabulary,
            draw=torch.Generator().manual_seed(self.seed * 1_000_003 + step),
        )
        device = self.hardware.device
        loss: torch.Tensor = self.model(masked.to(device), there.to(device), targets.to(device))
        return loss

    @torch.inference_mode()
    def verdict(self, pieces: Sequence[Piece]) -> Verdict:
        """Return the mean loss over batches of the held-out texts, always masked alike; its score is exp(-loss)."""
        self.model.eval()
        batches = sorted_by_length([len(piece.input_ids) for piece in pieces], TOKENS)
        losses = []
        for number, chosen in enumerate(batches):
            with self.hardware.autocast():
                losses.append(self.loss([pieces[i] for i in chosen], -1 - number).item() * len(chosen))
        mean = sum(losses) / len(pieces)
        return Verdict(float(np.exp(-mean)), mean)
