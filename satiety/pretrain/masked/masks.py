"""Token ids -> the same with some masked, and what stood there.

Source: Devlin et al. 2019 (arXiv:1810.04805), section 3.1; Cui et al. 2019 (arXiv:1906.08101), whole-word masking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

IGNORE = -100
"""A target that the loss passes over; the same number as everywhere, named here so that no problem's code is a dep."""
MASKED, REPLACED = 0.8, 0.1
"""Of the chosen tokens this share becomes [MASK], this share a random token; the rest stays as it is."""


def starts(tokenizer: Any, ids: Sequence[int]) -> list[bool]:
    """Say of each token whether it begins a word: WordPiece marks what goes on, others what begins."""
    pieces = tokenizer.convert_ids_to_tokens(list(ids))
    marks = [piece.startswith(("▁", "Ġ")) for piece in pieces]
    return marks if any(marks) else [not piece.startswith("##") for piece in pieces]


def mask(
    input_ids: torch.Tensor, words: torch.Tensor, *, share: float, mask_id: int, vocabulary: int, draw: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return masked ids and targets (IGNORE where nothing is asked), both of shape (windows, tokens).

    Args:
        input_ids: shape (windows, tokens).
        words: number of the word that each token belongs to, -1 for special tokens and padding; words are chosen whole.
        share: of the words that are chosen; at least one of each window that has a word.
        mask_id: id of [MASK].
        vocabulary: number of token ids.
        draw: where the randomness comes from.
    """
    lottery = torch.rand(input_ids.shape, generator=draw)
    first = torch.zeros_like(words, dtype=torch.bool)
    first[:, 1:] = words[:, 1:] != words[:, :-1]
    first[:, 0] = True
    candidates = torch.where(first & (words >= 0), lottery, torch.full_like(lottery, 2.0))
    chosen_first = (candidates < share) | ((candidates == candidates.min(1, keepdim=True).values) & (candidates < 2))
    run = first.long().cumsum(1)
    chosen_runs = torch.zeros((*run.shape[:1], run.shape[1] + 1), dtype=torch.bool)
    chosen_runs.scatter_(
        1, torch.where(chosen_first, run, torch.zeros_like(run)), torch.ones_like(run, dtype=torch.bool)
    )
    chosen_runs[:, 0] = False
    chosen = chosen_runs.gather(1, run) & (words >= 0)
    kind = torch.rand(input_ids.shape, generator=draw)
    other = torch.randint(0, vocabulary, input_ids.shape, generator=draw)
    masked = torch.where(chosen & (kind < MASKED), torch.full_like(input_ids, mask_id), input_ids)
    masked = torch.where(chosen & (kind >= MASKED) & (kind < MASKED + REPLACED), other, masked)
    return masked, torch.where(chosen, input_ids, torch.full_like(input_ids, IGNORE))
