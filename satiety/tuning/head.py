"""Features of the untouched encoder -> the head that solves a regularised logistic regression on them.

Its strength is chosen by cross-validated log-loss, folds going by parent, so that no copy of a held-out example is
seen. The loss is a mean and the features are centred and scaled to unit variance as a whole, so that neither the number
of examples (or of copies) nor the encoder's scale changes what a strength means.

Source: Kumar et al. 2022, LP-FT (arXiv:2202.10054), for what it is good for.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]

FLOOR = 1e-4
"""Least probability in a log-loss, so that a class that a fold has never seen does not decide everything."""


class Solver(BaseModel):
    """How a head is solved."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    strengths: list[float] = Field(min_length=1)
    """L2 penalties to choose from: half of it times the squared weights is added to the mean loss."""
    folds: int = Field(ge=2, le=20)
    """Of the cross-validation that chooses."""
    rows: int = Field(ge=100)
    """Texts (or tokens, for a head over tokens) that are used at most; a seeded sample of more."""


@dataclass(frozen=True, slots=True)
class Head:
    """A solved head."""

    weight: Floats
    """Shape (classes, hidden)."""
    bias: Floats
    """Shape (classes,)."""
    strength: float
    """The penalty that was chosen."""


def solve(features: Floats, targets: Ints, groups: Sequence[str], classes: int, solver: Solver, seed: int) -> Head:
    """Return the head for features of shape (rows, hidden), targets and groups of shape (rows,)."""
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.permutation(len(targets))[: solver.rows])
    rows, answers, owners = features[chosen].astype(np.float64), targets[chosen], [groups[i] for i in chosen]
    middle = rows.mean(0)
    scale = float(np.sqrt(((rows - middle) ** 2).sum(1).mean())) or 1.0
    rows = (rows - middle) / scale
    strengths = sorted(solver.strengths, reverse=True)
    strength = strengths[0]
    if len(strengths) > 1:
        folds = list(_folds(answers, owners, solver.folds, draw))
        strength = min(
            strengths,
            key=dict(zip(strengths, _losses(rows, answers, classes, folds, strengths), strict=True)).__getitem__,
        )
    weight, bias = next(_path(rows, answers, classes, [strength]))
    return Head(weight / scale, bias - weight @ middle / scale, strength)


def _folds(answers: Ints, owners: Sequence[str], count: int, draw: np.random.Generator) -> Iterator[Ints]:
    """Yield ``count`` boolean masks of held-out rows: whole groups, each class (of their first rows) spread evenly."""
    first = {owner: int(answers[i]) for i, owner in reversed(list(enumerate(owners)))}
    names = sorted(first)
    by_class: dict[int, list[str]] = defaultdict(list)
    for i in draw.permutation(len(names)):
        by_class[first[names[i]]].append(names[i])
    ordered = [name for label in sorted(by_class) for name in by_class[label]]
    fold_of = {name: i % count for i, name in enumerate(ordered)}
    numbers = np.array([fold_of[owner] for owner in owners])
    for fold in range(count):
        yield numbers == fold


def _losses(
    rows: Floats, answers: Ints, classes: int, folds: Sequence[Ints], strengths: Sequence[float]
) -> list[float]:
    """Return the mean held-out log-loss at each strength."""
    totals = np.zeros(len(strengths))
    for held in folds:
        if not held.any() or len(set(answers[~held].tolist())) < 2:
            continue
        for i, (weight, bias) in enumerate(_path(rows[~held], answers[~held], classes, strengths)):
            logits = rows[held] @ weight.T + bias
            shares = np.exp(logits - logits.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            totals[i] -= np.log(np.maximum(shares[np.arange(len(shares)), answers[held]], FLOOR)).sum()
    return [float(total) for total in totals]


def _path(rows: Floats, answers: Ints, classes: int, strengths: Sequence[float]) -> Iterator[tuple[Floats, Floats]]:
    """Yield (weight, bias) at each strength, from strong to weak, each starting where the last one ended."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=500, warm_start=True)
    for strength in strengths:
        model.set_params(C=1 / (strength * len(rows)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a start for training, or nearly there: good enough
            model.fit(rows, answers)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        full, offset = np.zeros((classes, rows.shape[1])), np.full(classes, bias.min() + np.log(FLOOR))
        full[model.classes_], offset[model.classes_] = weight, bias
        yield full, offset
