"""Lengths -> batches of like length, in seeded random order: little padding, and the same batches for the same seed.

Source: bucketing by length within shuffled chunks, as in Ott et al. 2019 (fairseq), arXiv:1904.01038, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POOL = 16
"""Batches that are sorted by length together: more saves more padding, fewer mixes better."""


def shuffle_batches(lengths: Sequence[int], size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Return one epoch: every index once, in batches of ``size`` (the last may be smaller), of like length."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    pools = [order[start : start + POOL * size] for start in range(0, len(order), POOL * size)]
    batches: list[list[int]] = []
    for pool in pools:
        ranked = sorted(pool.tolist(), key=lambda index: lengths[index])
        batches += [ranked[start : start + size] for start in range(0, len(ranked), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def group_by_length(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Return every index once, longest first, in batches that hold at most ``tokens`` with their padding."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        longest = lengths[batches[-1][0]] if batches else 0
        if batches and (len(batches[-1]) + 1) * longest <= tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
