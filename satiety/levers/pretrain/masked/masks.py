"""Token ids -> the same with some masked, and what stood there.

Source: Devlin et al. 2019 (arXiv:1810.04805), section 3.1; Cui et al. 2019 (arXiv:1906.08101), whole-word masking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

IGNORE = -100
"""A target that the loss passes over; the same number as everywhere, named here so that no problem's code is a dep."""
MASK_SHARE, REPLACE_SHARE = 0.8, 0.1
"""Of the chosen tokens this share becomes [MASK], this share a random token; the rest stays as it is."""


def find_word_starts(tokenizer: Any, ids: Sequence[int]) -> list[bool]:
    """Say of each token whether it begins a word: WordPiece marks what goes on, others what begins."""
    pieces = tokenizer.convert_ids_to_tokens(list(ids))
    marks = [piece.startswith(("▁", "Ġ")) for piece in pieces]
    return marks if any(marks) else [not piece.startswith("##") for piece in pieces]


def mask_tokens(
    input_ids: torch.Tensor, words: torch.Tensor, *, share: float, mask_id: int, vocabulary: int, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return masked ids and targets (IGNORE where nothing is asked), both of shape (windows, tokens).

    Args:
        input_ids: shape (windows, tokens).
        words: number of the word that each token belongs to, -1 for special tokens and padding; words are chosen whole.
        share: of the words that are chosen; at least one of each window that has a word.
        mask_id: id of [MASK].
        vocabulary: number of token ids.
        rng: where the randomness comes from.
    """
    scores = torch.rand(input_ids.shape, generator=rng)
    is_start = torch.zeros_like(words, dtype=torch.bool)
    is_start[:, 1:] = words[:, 1:] != words[:, :-1]
    is_start[:, 0] = True
    candidates = torch.where(is_start & (words >= 0), scores, torch.full_like(scores, 2.0))
    chosen_starts = (candidates < share) | ((candidates == candidates.min(1, keepdim=True).values) & (candidates < 2))
    word_index = is_start.long().cumsum(1)
    chosen_words = torch.zeros((*word_index.shape[:1], word_index.shape[1] + 1), dtype=torch.bool)
    chosen_words.scatter_(
        1,
        torch.where(chosen_starts, word_index, torch.zeros_like(word_index)),
        torch.ones_like(word_index, dtype=torch.bool),
    )
    chosen_words[:, 0] = False
    is_target = chosen_words.gather(1, word_index) & (words >= 0)
    action = torch.rand(input_ids.shape, generator=rng)
    random_ids = torch.randint(0, vocabulary, input_ids.shape, generator=rng)
    masked = torch.where(is_target & (action < MASK_SHARE), torch.full_like(input_ids, mask_id), input_ids)
    masked = torch.where(is_target & (action >= MASK_SHARE) & (action < MASK_SHARE + REPLACE_SHARE), random_ids, masked)
    return masked, torch.where(is_target, input_ids, torch.full_like(input_ids, IGNORE))
