"""Token ids -> masked token ids and targets.

Source: Devlin et al. 2019 (arXiv:1810.04805), section 3.1; Cui et al. 2019 (arXiv:1906.08101), whole-word masking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

IGNORE = -100
"""Target value that the loss ignores; defined here to keep `satiety.problems` out of the stage's dependencies."""
MASK_SHARE, REPLACE_SHARE = 0.8, 0.1
"""Shares of the chosen tokens that become [MASK] and a random token; the rest is unchanged."""


def find_word_starts(tokenizer: Any, ids: Sequence[int]) -> list[bool]:
    """Return for each token whether it begins a word: WordPiece marks continuations, other tokenizers beginnings."""
    pieces = tokenizer.convert_ids_to_tokens(list(ids))
    marks = [piece.startswith(("▁", "Ġ")) for piece in pieces]
    return marks if any(marks) else [not piece.startswith("##") for piece in pieces]


def mask_tokens(
    input_ids: torch.Tensor, words: torch.Tensor, *, share: float, mask_id: int, vocabulary: int, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return masked ids and targets (IGNORE for tokens not chosen), both of shape (windows, tokens).

    Args:
        input_ids: shape (windows, tokens).
        words: number of each token's word, -1 for special tokens and padding; all tokens of a word are chosen together.
        share: share of the words to choose; at least one in each window with words.
        mask_id: id of [MASK].
        vocabulary: number of token ids.
        rng: random generator.
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
