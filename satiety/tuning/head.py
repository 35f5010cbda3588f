"""Features of the untouched encoder -> the head that solves a regularised logistic regression on them.

Its strength is chosen by cross-validated log-loss, folds going by parent, so that no copy of a held-out example is
seen. The loss is a mean and the features are centred and scaled to unit variance as a whole, so that neither the number
of examples (or of copies) nor the encoder's scale changes what a strength means.

Source: Kumar et al. 2022, LP-FT (arXiv:2202.10054), for what it is good for.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, Field

from satiety.section import FIELDS, Count
from satiety.tuning.doubt import doubtful

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]

FLOOR = 1e-4
"""Least probability in a log-loss, so that a class that a fold has never seen does not decide everything."""


class Solver(BaseModel):
    """How a head is solved."""

    model_config = FIELDS

    strengths: list[Annotated[float, Field(gt=0, le=1000)]] = Field(min_length=1)
    """L2 penalties to choose from: half of it times the squared weights is added to the mean loss."""
    folds: int = Field(ge=2, le=20)
    """Of the cross-validation that chooses."""
    rows: Count = Field(ge=100)
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
    doubtful: tuple[int, ...] = ()
    """Rows whose target looks wrong to the heads of the folds that did not see them, the most doubtful first."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON keeps it, to the last bit."""
        return {
            "weight": self.weight.tolist(),
            "bias": self.bias.tolist(),
            "strength": self.strength,
            "doubtful": self.doubtful,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the head that ``plain`` described."""
        weight, bias = np.array(plain["weight"]), np.array(plain["bias"])
        return cls(weight, bias, plain["strength"], tuple(plain["doubtful"]))


def solve(features: Floats, targets: Ints, groups: Sequence[str], classes: int, solver: Solver, seed: int) -> Head:
    """Return the head for features of shape (rows, hidden), targets and groups of shape (rows,)."""
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.permutation(len(targets))[: solver.rows])
    rows, answers, owners = features[chosen].astype(np.float64), targets[chosen], [groups[i] for i in chosen]
    middle = rows.mean(0)
    scale = float(np.sqrt(((rows - middle) ** 2).sum(1).mean())) or 1.0
    rows = (rows - middle) / scale
    strengths = sorted(solver.strengths, reverse=True)
    held = _held_out(rows, answers, classes, list(_folds(answers, owners, solver.folds, draw)), strengths)
    best = int(np.argmin([_loss(chances, answers) for chances in held]))
    weight, bias = next(_path(rows, answers, classes, [strengths[best]]))
    odd = tuple(int(chosen[row]) for row in doubtful(held[best], answers))
    return Head(weight / scale, bias - weight @ middle / scale, strengths[best], odd)


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


def _held_out(rows: Floats, answers: Ints, classes: int, folds: Sequence[Ints], strengths: Sequence[float]) -> Floats:
    """Return the probabilities that each strength gives to rows it has not seen, shape (strengths, rows, classes).

    Rows of a fold without which there is but one class are told nothing: every class is as likely.
    """
    chances = np.full((len(strengths), len(rows), classes), 1 / classes)
    for held in folds:
        if not held.any() or len(set(answers[~held].tolist())) < 2:
            continue
        for i, (weight, bias) in enumerate(_path(rows[~held], answers[~held], classes, strengths)):
            logits = rows[held] @ weight.T + bias
            shares = np.exp(logits - logits.max(1, keepdims=True))
            chances[i, held] = shares / shares.sum(1, keepdims=True)
    return chances


def _loss(chances: Floats, answers: Ints) -> float:
    """Return the mean log-loss."""
    return float(-np.log(np.maximum(chances[np.arange(len(answers)), answers], FLOOR)).mean())


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
