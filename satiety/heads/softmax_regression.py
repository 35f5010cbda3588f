"""Features and class probabilities -> a linear layer, by logistic regression on soft labels.

Unlike `satiety.heads.solver`, which fits hard labels and chooses the penalty, this takes probabilities for targets,
weights of rows, and terms that are added to the logits or to the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from satiety.problems.base import Floats


class Layer(NamedTuple):
    """A linear layer: logits = features · weightᵀ + bias."""

    weight: Floats
    """Shape (classes, hidden)."""
    bias: Floats
    """Shape (classes,)."""

    def logits(self, features: Floats) -> Floats:
        """Return the logits, shape (rows, classes)."""
        logits: Floats = features @ self.weight.T + self.bias
        return logits

    def restore(self, mean: Floats, scale: float) -> Layer:
        """Return the layer for features as they were before ``mean`` was subtracted and they were divided by a scale.

        Args:
            mean: shape (hidden,).
            scale: the divisor.
        """
        weight = self.weight / scale
        return Layer(weight, self.bias - weight @ mean)


Term = Callable[[Layer], tuple[float, Layer]]
"""A term of the loss: the layer -> its value and its gradient."""


def softmax(logits: Floats) -> Floats:
    """Return the probabilities of logits, shape (rows, classes)."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def fit_softmax(
    features: Floats,
    targets: Floats,
    l2: float,
    *,
    weights: Floats | None = None,
    offsets: Floats | None = None,
    start: Layer | None = None,
    term: Term | None = None,
    max_iter: int = 100,
) -> Layer:
    """Minimise the weighted mean cross-entropy plus l2 / 2 · ‖weight‖², by L-BFGS (Liu & Nocedal 1989).

    Args:
        features: shape (rows, hidden).
        targets: probabilities of the classes, shape (rows, classes).
        l2: penalty of the weight; the bias has none.
        weights: of rows, shape (rows,), scaled to a sum of 1; None gives all rows the same.
        offsets: added to the logits, shape (rows, classes).
        start: the layer to start from; None starts from zeros.
        term: a further term of the loss.
        max_iter: iterations at most.
    """
    from scipy.optimize import minimize

    rows, hidden = features.shape
    classes = targets.shape[1]
    shares = (np.full(rows, 1 / rows) if weights is None else weights / weights.sum())[:, None]
    added = 0.0 if offsets is None else offsets

    def loss(vector: Floats) -> tuple[float, Floats]:
        layer = Layer(vector[classes:].reshape(classes, hidden), vector[:classes])
        logits = layer.logits(features) + added
        logits -= logits.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        errors = shares * (np.exp(logits - log_total) - targets)
        value = float((shares * targets * (log_total - logits)).sum() + l2 / 2 * (layer.weight**2).sum())
        gradient = Layer(errors.T @ features + l2 * layer.weight, errors.sum(axis=0))
        if term is not None:
            more, extra = term(layer)
            value, gradient = value + more, Layer(gradient.weight + extra.weight, gradient.bias + extra.bias)
        return value, np.concatenate([gradient.bias, gradient.weight.ravel()])

    first = np.zeros(classes * (hidden + 1)) if start is None else np.concatenate([start.bias, start.weight.ravel()])
    vector = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": max_iter}).x
    return Layer(vector[classes:].reshape(classes, hidden), vector[:classes])
