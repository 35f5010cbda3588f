"""Texts in pairs: which are drawn for an update, and the loss of their cosines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]


def select_surest(answers: Floats, share: float) -> Ints:
    """Return the rows with the highest probabilities: a share of those of each predicted class, at least one."""
    targets, sureness = answers.argmax(axis=1), answers.max(axis=1)
    rows: list[int] = []
    for label in np.unique(targets):
        members = np.flatnonzero(targets == label)
        count = max(round(share * len(members)), 1)
        rows += members[np.argsort(-sureness[members], kind="stable")][:count].tolist()
    return np.array(rows)


def draw_per_class(classes: Ints, count: int, seed: int, step: int) -> list[int]:
    """Return ``count`` indices: as many of each class as possible, drawn anew in each step.

    A class with fewer texts than its share gives each of them several times.
    """
    rng = np.random.default_rng([seed, step])
    order = rng.permutation(np.unique(classes))
    sizes = np.bincount(np.arange(count) % len(order), minlength=len(order))
    drawn: list[int] = []
    for label, size in zip(order, sizes, strict=True):
        members = rng.permutation(np.flatnonzero(classes == label))
        drawn += np.resize(members, size).tolist()
    return drawn


def compare_pairs(features: Tensor, classes: Tensor) -> Tensor:
    """Return the mean squared error of the cosines of all pairs, which should be 1 within a class and 0 elsewhere.

    Args:
        features: shape (texts, hidden).
        classes: shape (texts,).
    """
    import torch

    units = torch.nn.functional.normalize(features.float(), dim=-1)
    wanted = (classes[:, None] == classes[None]).float()
    is_pair = ~torch.eye(len(units), dtype=torch.bool, device=units.device)
    return ((units @ units.T - wanted)[is_pair] ** 2).mean()
