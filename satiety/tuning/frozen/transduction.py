"""The average of three ways to use raw texts, distilled into one linear layer; see the recipe `transductive`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.softmax_regression import Layer, fit_softmax, softmax
from satiety.tuning.frozen.averaging import fit_average
from satiety.tuning.frozen.class_prior import count_shares, estimate_prior, shift
from satiety.tuning.frozen.information import maximise_information
from satiety.tuning.frozen.neighbours import smooth, spread_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats
    from satiety.tuning.frozen.averaging import Averaged
    from satiety.tuning.frozen.space import FrozenSpace

TRUST = 0.1
"""Weight of a guess about a raw text, beside that of a label, as labels spread."""
GOLD_SHARE = 0.1
"""Weight of the labels, beside the raw texts, in the layer that learns the average; of few raw texts, more."""
DISTIL_L2 = (0.03, 0.01, 0.003, 0.001, 0.0003)
"""Penalties of that layer, to choose from: the more one raw text says of another, the smaller."""
MIN_RAW = 50
"""Number of raw texts from which on they choose the penalty."""
DISTIL_ITER = 100
TEMPERATURES = np.geomspace(1, 20, 100)
"""Divisors of the logits, to choose from."""
FLOOR = 1e-6
"""Lower bound of a probability in a logarithm."""


def answer_raw(space: FrozenSpace, averaged: Averaged, seed: int) -> tuple[Floats, Floats]:
    """Return the average's probabilities of the raw texts, shape (raw, classes), and the class shares it assumes.

    Args:
        space: labelled and raw texts; at least one of each.
        averaged: the head fitted to the labels and their names.
        seed: random seed of folds and bootstrap.
    """
    # 1. smoothed features, and what they show of the classes' shares among raw texts
    gold, raw = smooth(space.gold, space.all), smooth(space.raw, space.all)
    smoothed = fit_average(space, gold, raw, seed)
    labelled = count_shares(space.targets, space.classes)
    shares = softmax(smoothed.layer.logits(raw))
    prior = estimate_prior(smoothed.held_out, space.targets, space.groups, shares, seed)
    by_smoothing = shift(shares, labelled, prior)

    # 2. labels spread along the graph; 3. sure answers on raw texts
    sizes = max(len(space.gold) / space.classes, 1)
    by_spreading = spread_labels(space, by_smoothing, prior, TRUST / sizes)
    informed = maximise_information(space, prior, averaged.l2, averaged.layer)
    by_information = softmax(informed.logits(space.raw))
    return mean_of_logs([by_smoothing, by_spreading, by_information], [2, 1, 1]), prior


def distil(space: FrozenSpace, answers: Floats, seed: int) -> Layer:
    """Return the layer that has learned the labels, and the probabilities of the raw texts.

    Its penalty is the one with which a layer learned from half of the raw texts predicts the answers of the other half
    best, or the smallest where raw texts are too few.

    Args:
        space: labelled and raw texts.
        answers: probabilities of the raw texts, shape (raw, classes).
        seed: random seed of the halves.
    """
    half = np.random.default_rng(seed).permutation(len(answers)) % 2 == 0
    losses = np.zeros(len(DISTIL_L2))
    for mask in (half, ~half) if len(answers) >= MIN_RAW else ():
        layer = None
        for i, l2 in enumerate(DISTIL_L2):
            layer = _learn(space, answers, ~mask, l2, layer)
            shares = softmax(layer.logits(space.raw[mask]))
            losses[i] -= (answers[mask] * np.log(np.maximum(shares, FLOOR))).sum()
    l2 = DISTIL_L2[int(losses.argmin())] if losses.any() else DISTIL_L2[-1]
    return _learn(space, answers, np.ones(len(answers), dtype=bool), l2, None)


def soften(layer: Layer, rows: Floats, confidence: float) -> Layer:
    """Return the layer with smaller logits, so that its answers are no surer on average than ``confidence``.

    Args:
        layer: a layer whose answers stay the same.
        rows: features of texts like those to come, shape (rows, hidden).
        confidence: probability of an answer, on average, as labels that were held out show it.
    """
    logits = layer.logits(rows)
    softer = (t for t in TEMPERATURES if softmax(logits / t).max(axis=1).mean() <= confidence)
    temperature = next(softer, TEMPERATURES[-1])
    return Layer(layer.weight / temperature, layer.bias / temperature)


def _learn(space: FrozenSpace, answers: Floats, mask: NDArray[np.bool_], l2: float, start: Layer | None) -> Layer:
    """Return the layer that has learned the labels, and the answers of some of the raw texts."""
    rows = np.vstack([space.gold, space.raw[mask]])
    targets = np.vstack([space.one_hot, answers[mask]])
    counts = [len(space.gold), int(mask.sum())]
    share = max(GOLD_SHARE, counts[0] / sum(counts))
    weights = np.repeat([share / counts[0], (1 - share) / max(counts[1], 1)], counts)
    return fit_softmax(rows, targets, l2, weights=weights, start=start, max_iter=DISTIL_ITER)


def mean_of_logs(shares: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the weighted geometric mean of probabilities, each of shape (rows, classes), scaled to a sum of 1."""
    logs = np.log(np.maximum(np.stack(shares), FLOOR))
    return softmax(np.average(logs, axis=0, weights=weights))
