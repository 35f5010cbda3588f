"""The average of three ways to use raw texts, distilled into one linear layer; see the recipe `transductive`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.softmax_regression import Layer, fit_softmax, softmax
from satiety.tuning.frozen.averaging import fit_average
from satiety.tuning.frozen.class_prior import count_shares, estimate_prior, shift
from satiety.tuning.frozen.information import maximise_information
from satiety.tuning.frozen.neighbours import smooth, spread_labels

if TYPE_CHECKING:
    from satiety.problems.base import Floats
    from satiety.tuning.frozen.averaging import Averaged
    from satiety.tuning.frozen.space import FrozenSpace

TRUST = 0.1
"""Weight of a guess about a raw text, beside that of a label, as labels spread."""
GOLD_SHARE = 0.1
"""Weight of the labels, beside the raw texts, in the layer that learns the average."""
DISTIL_L2, DISTIL_ITER = 3e-4, 200


def transduce(space: FrozenSpace, averaged: Averaged, seed: int) -> tuple[Layer, Floats]:
    """Return the layer that has learned the average, and the shares of the classes that it assumes.

    Args:
        space: labelled and raw texts; at least one of each.
        averaged: the head fitted to the labels and their names.
        seed: random seed of folds and bootstrap.
    """
    # 1. smoothed features, and what they show of the classes' shares among raw texts
    gold, raw = smooth(space.gold, space.all), smooth(space.raw, space.all)
    smoothed = fit_average(space, gold, raw, seed)
    labelled = count_shares(space.targets, space.classes)
    prior = estimate_prior(smoothed.held_out, space.targets, softmax(smoothed.layer.logits(raw)), seed)
    by_smoothing = shift(softmax(smoothed.layer.logits(raw)), labelled, prior)

    # 2. labels spread along the graph; 3. sure answers on raw texts
    sizes = max(len(space.gold) / space.classes, 1)
    by_spreading = spread_labels(space, by_smoothing, prior, TRUST / sizes)
    informed = maximise_information(space, prior, averaged.l2, averaged.layer)
    by_information = softmax(informed.logits(space.raw))

    # 4. one layer learns the mean, and the labels
    mean = (2 * by_smoothing + by_spreading + by_information) / 4
    rows, targets = space.all, np.vstack([space.one_hot, mean])
    weights = np.repeat(
        [GOLD_SHARE / len(space.gold), (1 - GOLD_SHARE) / len(space.raw)], [len(space.gold), len(space.raw)]
    )
    start = averaged.layer
    return fit_softmax(rows, targets, DISTIL_L2, weights=weights, start=start, max_iter=DISTIL_ITER), prior
