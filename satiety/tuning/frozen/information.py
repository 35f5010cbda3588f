"""Information maximisation: raw texts are answered surely, and the classes have their shares.

Source: Boudiaf et al. 2020, "Transductive information maximization" (TIM, arXiv:2008.11297), equation 2; the marginal
is held to a prior by the Kullback-Leibler divergence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.heads.softmax_regression import Layer, fit_softmax, softmax

if TYPE_CHECKING:
    from satiety.problems.base import Floats
    from satiety.tuning.frozen.space import FrozenSpace

ENTROPY = 0.1
"""Weight of the mean entropy of the raw texts' answers, beside the cross-entropy of the labels."""
MAX_ITER = 60


def maximise_information(space: FrozenSpace, prior: Floats, l2: float, start: Layer) -> Layer:
    """Fit a layer to the labels, to sure answers on raw texts, and to the shares of the classes among them.

    Args:
        space: labelled and raw texts.
        prior: shares of the classes among raw texts, shape (classes,).
        l2: penalty of the weight.
        start: the layer fitted to the labels alone.
    """
    raw = space.raw

    def term(layer: Layer) -> tuple[float, Layer]:
        shares = softmax(layer.logits(raw))
        logs, means = np.log(np.maximum(shares, 1e-12)), np.maximum(shares.mean(axis=0), 1e-12)
        value = -ENTROPY * (shares * logs).sum(axis=1).mean() + (means * np.log(means / prior)).sum()
        slopes = (-ENTROPY * (logs + 1) + np.log(means / prior) + 1) / len(raw)
        errors = shares * (slopes - (shares * slopes).sum(axis=1, keepdims=True))
        return float(value), Layer(errors.T @ raw, errors.sum(axis=0))

    return fit_softmax(space.gold, space.one_hot, l2, start=start, term=term, max_iter=MAX_ITER)
