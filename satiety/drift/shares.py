"""A model's answers in a window, and how it errs on the reference -> what share each label has today, without labels.

Where only the labels' shares move, the answers to texts of one label stay what they are. So the shares of the answers
are a mixture of what the model answers to each label, and its weights are found by least squares, none below zero.

Source: black-box shift estimation: Lipton et al. 2018, arXiv:1802.03916, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, weights

if TYPE_CHECKING:
    from numpy.random import Generator

    from satiety.drift.sample import Places
    from satiety.evaluate.bootstrap import Groups
    from satiety.problems.base import Floats

RESAMPLES = 300


def shares(
    gold: Sequence[int], answered: Places, groups: Groups, window: Places, classes: int, *, level: float, seed: int
) -> Floats:
    """Return each label's share with its interval, shape (classes, 3): value, low, high.

    Args:
        gold: of the reference, indices of labels.
        answered: what the model answered to it, indices of labels.
        groups: of the reference, which is drawn anew by whole groups.
        window: what it answered in the window, indices of labels.
        classes: labels there are.
        level: of the intervals.
        seed: of the resamples; reference and window are both drawn anew.
    """
    draw, known = np.random.default_rng(seed), np.asarray(gold)
    value = mixture(known, answered, window, classes)
    drawn = np.stack([value] * RESAMPLES)
    times = (block.astype(int) for block in weights(groups, Resampling(seed, RESAMPLES, level)))
    for row, often in zip(drawn, (row for block in times for row in block), strict=True):
        reference, now = np.repeat(np.arange(len(known)), often), draw.integers(len(window), size=len(window))
        row[:] = mixture(known[reference], answered[reference], window[now], classes)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.stack([value, low, high], axis=1)


def mixture(gold: Places, answered: Places, window: Places, classes: int) -> Floats:
    """Return the shares of the labels of which the window's answers are a mixture, shape (classes,)."""
    from scipy.optimize import nnls

    counts = np.zeros((classes, classes))
    np.add.at(counts, (answered, gold), 1)
    counts /= np.maximum(counts.sum(axis=0), 1)
    given = np.bincount(window, minlength=classes) / len(window)
    weights, _ = nnls(np.vstack([counts, np.ones(classes)]), np.append(given, 1.0))
    found: Floats = weights / max(weights.sum(), np.finfo(float).tiny)
    return found


def alike(labels: Sequence[str], today: Mapping[str, float], draw: Generator) -> Places:
    """Return the places of as many texts as can be had with the shares of ``today``, each once, shape (texts,).

    Where nothing but the shares has moved, today's texts are like these.

    Args:
        labels: of the reference's texts.
        today: share of each label.
        draw: which texts are taken of a label with too many.
    """
    places = {name: np.flatnonzero(np.array([label == name for label in labels])) for name in today}
    size = min(len(places[name]) / share for name, share in today.items() if share > 0)
    taken = [draw.permutation(places[name])[: int(size * share)] for name, share in today.items()]
    return np.sort(np.concatenate(taken))


def rows(found: Floats, labels: Sequence[str]) -> dict[str, Interval]:
    """Return the shares by label."""
    return {label: Interval(*map(float, row)) for label, row in zip(labels, found, strict=True)}
