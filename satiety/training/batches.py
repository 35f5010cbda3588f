"""Batches of similar length, which need little padding, and the padding itself.

Source: bucketing by length within shuffled chunks, as in Ott et al. 2019 (fairseq), arXiv:1904.01038, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

POOL = 16
"""Number of batches sorted by length together: more saves padding, fewer mixes better."""
MAX_BATCH_TOKENS = {"cpu": 1024, "cuda": 65536}
"""Maximum tokens per inference batch by device, including padding: fits processor caches, and keeps a GPU busy."""


def shuffle_batches(lengths: Sequence[int], size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Return the batches of one epoch in random order: each index once, ``size`` of similar length in a batch."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    pools = [order[start : start + POOL * size] for start in range(0, len(order), POOL * size)]
    batches: list[list[int]] = []
    for pool in pools:
        ranked = sorted(pool.tolist(), key=lambda index: lengths[index])
        batches += [ranked[start : start + size] for start in range(0, len(ranked), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def group_by_length(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Return every index once, longest first, in batches of at most ``tokens`` tokens, including padding."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        longest = lengths[batches[-1][0]] if batches else 0
        if batches and (len(batches[-1]) + 1) * longest <= tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def pad_rows(rows: Sequence[Sequence[float]], value: int, length: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows padded to the longest or to ``length``, if that is longer, and a mask that is 0 in padding.

    Both are int64, shape (rows, tokens).
    """
    tensors = [torch.tensor(row, dtype=torch.int64) for row in rows]
    masks = [torch.ones_like(tensor) for tensor in tensors]
    padded = pad_sequence(tensors, batch_first=True, padding_value=value), pad_sequence(masks, batch_first=True)
    missing = max(length - padded[0].shape[1], 0)
    return pad(padded[0], (0, missing), value=value), pad(padded[1], (0, missing))
