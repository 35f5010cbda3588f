"""A model's answers in a window, and how it errs on the reference -> what share each label has today, without labels.

Where only the labels' shares move, the answers to texts of one label stay what they are. So the shares of the answers
are a mixture of what the model answers to each label, and its weights are found by least squares, none below zero.

Source: black-box shift estimation: Lipton et al. 2018, arXiv:1802.03916, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, draw_weights

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
        gold: of the reference, indices of labels.
        predictions: what the model answered to it, indices of labels.
        groups: of the reference, which is drawn anew by whole groups.
        window: what it answered in the window, indices of labels.
        classes: labels there are.
        confidence_level: of the intervals.
        seed: of the resamples; reference and window are both drawn anew.
    """
    rng, gold_labels = np.random.default_rng(seed), np.asarray(gold)
    value = solve_mixture(gold_labels, predictions, window, classes)
    samples = np.stack([value] * RESAMPLES)
    counts = (block.astype(int) for block in draw_weights(groups, Resampling(seed, RESAMPLES, confidence_level)))
    for row, repeats in zip(samples, (row for block in counts for row in block), strict=True):
        reference, window_rows = (
            np.repeat(np.arange(len(gold_labels)), repeats),
            rng.integers(len(window), size=len(window)),
        )
        row[:] = solve_mixture(gold_labels[reference], predictions[reference], window[window_rows], classes)
    low, high = np.quantile(samples, [(1 - confidence_level) / 2, (1 + confidence_level) / 2], axis=0)
    return np.stack([value, low, high], axis=1)


def solve_mixture(gold: Indices, predictions: Indices, window: Indices, classes: int) -> Floats:
    """Return the shares of the labels of which the window's answers are a mixture, shape (classes,)."""
    from scipy.optimize import nnls

    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (predictions, gold), 1)
    confusion /= np.maximum(confusion.sum(axis=0), 1)
    window_shares = np.bincount(window, minlength=classes) / len(window)
    weights, _ = nnls(np.vstack([confusion, np.ones(classes)]), np.append(window_shares, 1.0))
    mixture_shares: Floats = weights / max(weights.sum(), np.finfo(float).tiny)
    return mixture_shares


def sample_by_share(labels: Sequence[str], today: Mapping[str, float], rng: Generator) -> Indices:
    """Return the places of as many texts as can be had with the shares of ``today``, each once, shape (texts,).

    Where nothing but the shares has moved, today's texts are like these.

    Args:
        labels: of the reference's texts.
        today: share of each label.
        rng: which texts are taken of a label with too many.
    """
    indices = {name: np.flatnonzero(np.array([label == name for label in labels])) for name in today}
    size = min(len(indices[name]) / share for name, share in today.items() if share > 0)
    subsets = [rng.permutation(indices[name])[: int(size * share)] for name, share in today.items()]
    return np.sort(np.concatenate(subsets))


def index_by_label(shares: Floats, labels: Sequence[str]) -> dict[str, Interval]:
    """Return the shares by label."""
    return {label: Interval(*map(float, row)) for label, row in zip(labels, shares, strict=True)}
