"""Nearest neighbours in a frozen space: features drawn to those of similar texts, and labels spread along the graph.

Sources: simple graph convolution, Wu et al. 2019 (arXiv:1902.07153), one step; label spreading, Zhou et al. 2003,
"Learning with local and global consistency" (NeurIPS 16); balanced by Sinkhorn & Knopp 1967.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats
    from satiety.tuning.frozen.space import FrozenSpace

    Ints = NDArray[np.integer[Any]]

K = 10
"""Neighbours of a text."""
POWER = 3
"""Exponent of the cosine in the weight of a neighbour: near ones count more."""
SHARE = 0.5
"""Share of the neighbours in a smoothed feature."""
SPREAD = 0.8
"""Share of the neighbours in a spread label."""
STEPS = 30
"""Iterations of spreading, and of balancing."""
BLOCK = 2048
"""Rows whose similarities are computed at once; bounds memory."""


def find_neighbours(rows: Floats, reference: Floats, *, is_same: bool = False) -> tuple[Ints, Floats]:
    """Return the nearest rows of the reference by cosine, and their weights; both of shape (rows, neighbours).

    Args:
        rows: shape (rows, hidden).
        reference: shape (reference rows, hidden).
        is_same: both are the same rows; a row is then not its own neighbour.
    """
    count = min(K, len(reference) - is_same)
    units = [_to_units(part).astype(np.float32) for part in (rows, reference)]
    indices, weights = np.zeros((len(rows), count), dtype=np.int64), np.zeros((len(rows), count))
    for start in range(0, len(rows), BLOCK):
        cosines = units[0][start : start + BLOCK] @ units[1].T
        if is_same:
            cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -1
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        indices[start : start + BLOCK] = nearest
        weights[start : start + BLOCK] = np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0) ** POWER
    return indices, weights


def smooth(rows: Floats, reference: Floats) -> Floats:
    """Return the rows drawn halfway to the weighted mean of their neighbours in the reference."""
    indices, weights = find_neighbours(rows, reference)
    shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    neighbours = np.einsum("rk,rkh->rh", shares, reference[indices])
    smoothed: Floats = (1 - SHARE) * rows + SHARE * neighbours
    return smoothed


def spread_labels(space: FrozenSpace, guesses: Floats, prior: Floats, trust: float) -> Floats:
    """Return the probabilities of raw texts after the labels have spread along the graph of neighbours.

    Args:
        space: labelled and raw texts.
        guesses: probabilities of the raw texts beforehand, shape (raw, classes).
        prior: shares of the classes among raw texts, shape (classes,).
        trust: weight of a guess; a class's labels together have a weight of 1.
    """
    from scipy.sparse import csr_matrix

    # 1. the symmetric graph, normalised by its degrees
    indices, weights = find_neighbours(space.all, space.all, is_same=True)
    count, rows = len(indices), np.repeat(np.arange(len(indices)), indices.shape[1])
    graph = csr_matrix((weights.ravel(), (rows, indices.ravel())), shape=(count, count))
    graph = (graph + graph.T) / 2
    roots = 1 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-9))
    graph = graph.multiply(roots[:, None]).multiply(roots[None]).tocsr()

    # 2. every class sends out as much as its share; guesses add a little
    sizes = np.bincount(space.targets, minlength=space.classes)
    sources = np.vstack([space.one_hot * (prior * space.classes / np.maximum(sizes, 1)), trust * guesses])
    spread = sources
    for _ in range(STEPS):
        spread = SPREAD * (graph @ spread) + (1 - SPREAD) * sources

    # 3. what arrives is sharpened, and balanced to the prior
    received = np.maximum(spread[len(space.gold) :], 1e-12)
    return balance((received / received.sum(axis=1, keepdims=True)) ** 2, prior)


def balance(weights: Floats, prior: Floats) -> Floats:
    """Return probabilities whose mean is the prior, by scaling classes and texts in turn (Sinkhorn)."""
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    for _ in range(STEPS):
        scaled = shares * (prior / np.maximum(shares.mean(axis=0), 1e-9))
        shares = scaled / scaled.sum(axis=1, keepdims=True)
    return shares


def _to_units(rows: Floats) -> Floats:
    units: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return units
