"""Labels, and the names of the classes -> one linear layer: the average of many, weighted by cross-validated evidence.

A candidate starts from zero-shot logits: a gain times the dot product of a text and the direction of a label's name.
The layer learns the deviation from them, under an L2 penalty. Candidates differ in gain and penalty; gain 0 is plain
logistic regression. Their logits are averaged with weights exp(-n · loss), n being the number of labelled texts and the
loss the out-of-fold log-loss after calibration. That is Bayesian model averaging with the evidence estimated by
cross-validation; stacking is the alternative (Yao et al. 2018, Bayesian Analysis 13:917).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.softmax_regression import Layer, fit_softmax, softmax
from satiety.heads.solver import FLOOR, calibrate_losses, fit_temperature, split_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats
    from satiety.tuning.frozen.space import FrozenSpace

PENALTIES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
GAINS = (0.0, 5.0, 10.0, 20.0)
"""Factors of the zero-shot logits."""
FOLDS = 5
MIN_SHARE = 0.02
"""Candidates with a smaller weight are left out."""
STEPS = 50
"""Iterations in which the bias of zero-shot logits is found."""


@dataclass(frozen=True, slots=True)
class Averaged:
    """The average layer, and what it is made of."""

    layer: Layer
    """Calibrated: the softmax of its logits are probabilities."""
    held_out: Floats
    """Out-of-fold probabilities of the labelled texts, calibrated, shape (gold, classes)."""
    l2: float
    """Penalty of the best candidate."""
    name_share: float
    """Weight of the candidates that use label names, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A gain and a penalty, tried out of fold."""

    zero_shot: Layer
    l2: float
    temperature: float
    """Divisor of the logits that calibrates them out of fold."""
    held_out: Floats
    """Calibrated probabilities, shape (gold, classes)."""
    loss: float
    """Mean log-loss of ``held_out``."""


def fit_average(space: FrozenSpace, gold: Floats, raw: Floats, seed: int) -> Averaged:
    """Fit the candidates to features of the labelled texts, and average them by their evidence.

    Args:
        space: targets, groups and label names.
        gold: features of the labelled texts, those of the space or smoothed ones, shape (gold, hidden).
        raw: the same of the raw texts, shape (raw, hidden); where there are none, labelled texts take their place.
        seed: random seed of the folds.
    """
    folds = list(split_folds(space.targets, space.groups, FOLDS, np.random.default_rng(seed)))
    zero_shots = [
        _build_zero_shot(space, raw if len(raw) else gold, gain) for gain in GAINS if not gain or space.names.any()
    ]
    candidates = [candidate for zero_shot in zero_shots for candidate in _try_penalties(space, gold, zero_shot, folds)]
    losses = np.array([candidate.loss for candidate in candidates])
    shares = np.exp(-len(set(space.groups)) * (losses - losses.min()))
    shares[shares < MIN_SHARE * shares.sum()] = 0
    shares /= shares.sum()

    weight, bias, held_out = np.zeros_like(space.names), np.zeros(space.classes), np.zeros_like(space.one_hot)
    for share, candidate in zip(shares, candidates, strict=True):
        if share:
            zero_shot, factor = candidate.zero_shot, share / candidate.temperature
            learned = fit_softmax(gold, space.one_hot, candidate.l2, offsets=zero_shot.logits(gold))
            weight = weight + factor * (zero_shot.weight + learned.weight)
            bias = bias + factor * (zero_shot.bias + learned.bias)
            held_out = held_out + share * candidate.held_out
    named = [bool(candidate.zero_shot.weight.any()) for candidate in candidates]
    return Averaged(Layer(weight, bias), held_out, candidates[int(losses.argmin())].l2, float(shares[named].sum()))


def _build_zero_shot(space: FrozenSpace, raw: Floats, gain: float) -> Layer:
    """Return the layer that compares texts with label names; on average over the raw texts all classes are equal."""
    scale = np.sqrt((raw**2).sum(axis=1).mean()) or 1.0
    weight, bias = gain * space.names / scale, np.zeros(space.classes)
    for _ in range(STEPS if gain else 0):
        bias -= np.log(np.maximum(softmax(raw @ weight.T + bias).mean(axis=0) * space.classes, 1e-9))
    return Layer(weight, bias - bias.mean())


def _try_penalties(
    space: FrozenSpace, gold: Floats, zero_shot: Layer, folds: Sequence[NDArray[np.bool_]]
) -> Iterator[Candidate]:
    """Yield a candidate for each penalty, fitted without each fold in turn and tried on it."""
    offsets, classes = zero_shot.logits(gold), space.classes
    held_out = np.full((len(PENALTIES), len(gold), classes), 1 / classes)
    for mask in folds:
        layer = None
        for i, l2 in enumerate(PENALTIES if mask.any() and not mask.all() else ()):
            layer = fit_softmax(gold[~mask], space.one_hot[~mask], l2, offsets=offsets[~mask], start=layer)
            held_out[i, mask] = softmax(layer.logits(gold[mask]) + offsets[mask])
    for l2, probabilities in zip(PENALTIES, held_out, strict=True):
        temperature = fit_temperature(probabilities, space.targets)
        calibrated = softmax(np.log(np.maximum(probabilities, FLOOR)) / temperature)
        loss = float(calibrate_losses(probabilities, space.targets).mean())
        yield Candidate(zero_shot, l2, temperature, calibrated, loss)
