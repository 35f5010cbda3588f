"""Labels -> the shares of the classes among raw texts, as far as the labels can show them.

Labels may be drawn at random, or in equal numbers of each class. The estimate is shrunk to the shares among the labels
by as much as it varies between bootstrap samples of them (James & Stein 1961), so that it departs from these only where
the raw texts surely do. Source of the estimate: black-box shift estimation, Lipton et al. 2018 (arXiv:1802.03916), on
probabilities in place of answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]

RIDGE = 0.05
"""Keeps the solution near the shares among the labels where classes are mistaken for each other."""
RESAMPLES = 50
MIN_LABELS = 3
"""Least labels of each class: what answers to a class look like is seen out of fold, by models that know it."""
MIN_SHARE = 0.2
"""Least share of a class, in parts of an equal share: no class is ruled out."""


def count_shares(targets: Ints, classes: int) -> Floats:
    """Return the shares of the classes among the labels, one label more of each, shape (classes,)."""
    counts = np.bincount(targets, minlength=classes) + 1.0
    shares: Floats = counts / counts.sum()
    return shares


def estimate_prior(held_out: Floats, targets: Ints, groups: Sequence[str], raw: Floats, seed: int) -> Floats:
    """Return the shares of the classes among raw texts, shape (classes,); if unsure, those among the labels.

    Args:
        held_out: out-of-fold probabilities of the labelled texts, shape (gold, classes).
        targets: their classes, shape (gold,).
        groups: their groups, which are never split by folds.
        raw: probabilities of the raw texts by the same model, shape (raw, classes).
        seed: random seed of the bootstrap.
    """
    classes = held_out.shape[1]
    labelled = count_shares(targets, classes)
    group_counts = [len({groups[row] for row in np.flatnonzero(targets == label).tolist()}) for label in range(classes)]
    if not len(raw) or min(group_counts) < MIN_LABELS:
        return labelled
    rng, rows_by_class = np.random.default_rng(seed), [np.flatnonzero(targets == label) for label in range(classes)]
    estimate = _solve_shares(held_out, targets, raw.mean(axis=0))
    noise = 0.0
    for _ in range(RESAMPLES):
        rows = np.concatenate([rng.choice(indices, len(indices)) for indices in rows_by_class if len(indices)])
        noise += ((_solve_shares(held_out[rows], targets[rows], raw.mean(axis=0)) - estimate) ** 2).sum() / RESAMPLES
    signal = ((estimate - labelled) ** 2).sum()
    trust = max(0.0, 1 - noise / max(signal, 1e-12))
    shrunk = np.maximum(labelled + trust * (estimate - labelled), MIN_SHARE / classes)
    prior: Floats = shrunk / shrunk.sum()
    return prior


def shift(probabilities: Floats, former: Floats, prior: Floats) -> Floats:
    """Return the probabilities of a model fitted to texts with the former shares of classes, for those of the prior."""
    weights = probabilities * (prior / former)
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _solve_shares(held_out: Floats, targets: Ints, mean_answer: Floats) -> Floats:
    """Return the shares with which the mean answers of the classes mix to the mean answer of the raw texts."""
    classes, labelled = held_out.shape[1], count_shares(targets, held_out.shape[1])
    means = [held_out[targets == label].mean(axis=0) for label in range(classes) if (targets == label).any()]
    if len(means) < classes:
        return labelled
    mixing = np.stack(means, axis=1)
    penalty = RIDGE / classes * np.eye(classes)
    change = np.linalg.solve(mixing.T @ mixing + penalty, mixing.T @ (mean_answer - mixing @ labelled))
    return _project(labelled + change)


def _project(values: Floats) -> Floats:
    """Return the nearest point of the simplex (Duchi et al. 2008, figure 1)."""
    ordered = np.sort(values)[::-1]
    sums = np.cumsum(ordered) - 1
    last = np.flatnonzero(ordered > sums / np.arange(1, len(values) + 1))[-1]
    projected: Floats = np.maximum(values - sums[last] / (last + 1), 0)
    return projected
