"""Labelled and raw texts -> their features in the space of the untouched encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.heads.solver import standardize
from satiety.tuning.inputs import select_labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.heads.softmax_regression import Layer
    from satiety.problems import Window
    from satiety.problems.base import Floats
    from satiety.tuning.context import TuningContext
    from satiety.tuning.recipes.base import TuningInputs

    Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class FrozenSpace:
    """Features of all texts, centred and scaled to a mean square norm of 1 over labelled and raw texts together."""

    gold: Floats
    """Features of labelled windows, shape (gold, hidden)."""
    targets: Ints
    """Their class indices, shape (gold,)."""
    groups: tuple[str, ...]
    """Their groups, which are never split by folds: a text, its windows and its copies."""
    raw: Floats
    """Features of the windows of raw texts, shape (raw, hidden)."""
    names: Floats
    """Directions of the label names, unit length, shape (classes, hidden); zeros where a label's name has no word."""
    mean: Floats
    """Subtracted from the encoder's features, shape (hidden,)."""
    scale: float
    """Divisor of the encoder's features."""

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def all(self) -> Floats:
        """The features of labelled texts, followed by those of raw texts."""
        return np.vstack([self.gold, self.raw])

    @property
    def one_hot(self) -> Floats:
        """The labels as probabilities, shape (gold, classes)."""
        return np.eye(self.classes)[self.targets]

    def restore(self, layer: Layer) -> Layer:
        """Return a layer for this space as one for the encoder's own features."""
        return layer.restore(self.mean, self.scale)


def compute_all_features(inputs: TuningInputs) -> None:
    """Compute the features of all texts and label names for the memory, each kind in one go.

    A feature's last digits depend on the texts beside it in a batch, so a resumed run, which does not repeat its
    trials, would otherwise differ.
    """
    from satiety.tuning.context import load_context

    context = load_context(inputs)
    for windows in (context.encode(inputs.train), encode_raw(context)):
        context.compute_base_features(windows)
    _embed_names(context, context.model.width)


def build_space(context: TuningContext) -> FrozenSpace:
    """Encode the labelled texts, the raw texts and the label names of a run.

    Raises:
        ModelError: no example has a label of the problem.
    """
    inputs, problem, head = context.inputs, context.problem, context.model.task_head
    windows = select_labelled(context.encode(inputs.train), problem)
    gold, targets = head.collect_targets(windows, context.compute_base_features(windows))
    owners = [inputs.train[i] for i in head.owners(windows)]

    raw = _embed(context, encode_raw(context), gold.shape[1])

    rows, mean, scale = standardize(np.vstack([gold, raw]))
    return FrozenSpace(
        gold=rows[: len(gold)],
        targets=targets.astype(np.int64),
        groups=tuple(example.owner for example in owners),
        raw=rows[len(gold) :],
        names=_embed_names(context, gold.shape[1]),
        mean=mean,
        scale=scale,
    )


def encode_raw(context: TuningContext) -> list[Window]:
    """Return the windows of the raw texts; none for a problem of several inputs, which a raw text is not."""
    problem = context.problem
    if len(problem.inputs) > 1:
        return []
    return context.encode(problem.build_examples([document.text for document in context.inputs.documents]))


def _embed(context: TuningContext, windows: Sequence[Window], hidden: int) -> Floats:
    """Return the features of windows, shape (windows, hidden)."""
    if not windows:
        return np.zeros((0, hidden))
    return np.stack(context.compute_base_features(windows)).astype(np.float64)


def _embed_names(context: TuningContext, hidden: int) -> Floats:
    """Return the centred features of the labels' names at unit length; zeros for names without a word."""
    names = context.problem.label_names()
    directions, named = np.zeros((len(names), hidden)), [i for i, name in enumerate(names) if name]
    if len(named) > 1:
        windows = context.encode(context.problem.build_examples([names[i] for i in named]))
        firsts = [next(window for window in windows if window.example == i) for i in range(len(named))]
        features = _embed(context, firsts, hidden)
        centred = features - features.mean(axis=0)
        directions[named] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return directions
