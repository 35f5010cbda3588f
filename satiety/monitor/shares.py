"""Predictions in a window and confusion matrix on the reference -> today's label shares, without labels.

Under pure label shift the confusion matrix is constant, so the shares of the predictions are a mixture of its columns.
The weights of the mixture are the label shares, estimated by non-negative least squares.

Source: black-box shift estimation: Lipton et al. 2018, arXiv:1802.03916, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Resampling, draw_weights

if TYPE_CHECKING:
    from numpy.random import Generator

    from satiety.evaluate.bootstrap import Groups
    from satiety.monitor.sample import Indices
    from satiety.problems.base import Floats

RESAMPLES = 300


def estimate_label_shares(
    gold: Sequence[int],
    predictions: Indices,
    groups: Groups,
    window: Indices,
    classes: int,
    *,
    confidence_level: float,
    seed: int,
) -> Floats:
    """Return each label's share with its interval, shape (classes, 3): value, low, high.

    Args:
        gold: label indices of the reference.
        predictions: predicted label indices of the reference.
        groups: group number of each reference text; whole groups are resampled.
        window: predicted label indices of the window, which is resampled too.
        classes: number of labels.
        confidence_level: confidence level of the intervals.
        seed: random seed of the resamples.
    """
    rng, gold_labels = np.random.default_rng(seed), np.asarray(gold)
    value = solve_mixture(gold_labels, predictions, window, classes)
    samples = np.stack([value] * RESAMPLES)
    counts = (block.astype(int) for block in draw_weights(groups, Resampling(seed, RESAMPLES, confidence_level)))
    for row, repeats in zip(samples, (row for block in counts for row in block), strict=True):
        reference = np.repeat(np.arange(len(gold_labels)), repeats)
        window_rows = rng.integers(len(window), size=len(window))
        row[:] = solve_mixture(gold_labels[reference], predictions[reference], window[window_rows], classes)
    low, high = np.quantile(samples, [(1 - confidence_level) / 2, (1 + confidence_level) / 2], axis=0)
    return np.stack([value, low, high], axis=1)


def solve_mixture(gold: Indices, predictions: Indices, window: Indices, classes: int) -> Floats:
    """Return the label shares whose mixture fits the predictions in the window best, shape (classes,)."""
    from scipy.optimize import nnls

    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (predictions, gold), 1)
    confusion /= np.maximum(confusion.sum(axis=0), 1)
    window_shares = np.bincount(window, minlength=classes) / len(window)
    weights, _ = nnls(np.vstack([confusion, np.ones(classes)]), np.append(window_shares, 1.0))
    mixture_shares: Floats = weights / max(weights.sum(), np.finfo(float).tiny)
    return mixture_shares


def sample_by_share(labels: Sequence[str], today: Mapping[str, float], rng: Generator) -> Indices:
    """Return the indices of the largest subset with the label shares of ``today``, shape (texts,).

    Under pure label shift, today's texts have the distribution of this subset.

    Args:
        labels: label of each reference text.
        today: share of each label.
        rng: source of randomness for the texts of each label.
    """
    indices = {name: np.flatnonzero(np.array([label == name for label in labels])) for name in today}
    size = min(len(indices[name]) / share for name, share in today.items() if share > 0)
    subsets = [rng.permutation(indices[name])[: int(size * share)] for name, share in today.items()]
    return np.sort(np.concatenate(subsets))
