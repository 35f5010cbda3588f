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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, Field

from satiety.heads.doubt import doubtful
from satiety.section import FIELDS, MOST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]

FLOOR = 1e-4
"""Least probability in a log-loss, so that a class that a fold has never seen does not decide everything."""
TEMPERATURES = tuple(2.0 ** (step / 4) for step in range(-8, 17))
"""From 1/4 to 16, four steps to the octave."""

Strengths = list[Annotated[float, Field(gt=0, le=1000)]]


class Solver(BaseModel):
    """How a head is solved."""

    model_config = FIELDS

    strengths: Strengths = Field(min_length=1, default=[0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001])
    """L2 penalties to choose from: half of it times the squared weights is added to the mean loss."""
    folds: int = Field(ge=2, le=20, default=5)
    """Of the cross-validation that chooses."""
    rows: int = Field(ge=100, le=MOST, default=20_000)
    """Texts (or tokens, for a head over tokens) that are used at most; a seeded sample of more."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A solved linear layer."""

    weight: Floats
    """Shape (outputs, hidden)."""
    bias: Floats
    """Shape (outputs,)."""
    strength: float
    """The penalty that was chosen."""
    doubtful: tuple[int, ...] = ()
    """Rows whose target looks wrong to the heads of the folds that did not see them, the most doubtful first."""
    temperature: float = 1.0
    """What the logits are to be divided by, so that confidences are right as often as they say (on rows not seen)."""
    held_out: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """Probabilities by the layers of the folds that did not see a row, shape (rows, outputs), where they were wanted;
    NaN where a row was not drawn."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON keeps it, to the last bit."""
        return {
            "weight": self.weight.tolist(),
            "bias": self.bias.tolist(),
            "strength": self.strength,
            "doubtful": self.doubtful,
            "temperature": self.temperature,
            "held_out": self.held_out.tolist(),
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the head that ``plain`` described."""
        weight, bias = np.array(plain["weight"]), np.array(plain["bias"])
        rest = {name: plain[name] for name in ("strength", "temperature")}
        held_out = np.array(plain["held_out"], dtype=np.float64)
        return cls(weight, bias, doubtful=tuple(plain["doubtful"]), held_out=held_out, **rest)


def solve(
    features: Floats,
    targets: Ints,
    groups: Sequence[str],
    classes: int,
    solver: Solver,
    seed: int,
    judged: NDArray[np.bool_] | None = None,
    *,
    keep: bool = False,
) -> Solved:
    """Return the head for features of shape (rows, hidden), targets and groups of shape (rows,).

    Args:
        features: what the head sees.
        targets: class indices.
        groups: rows of one group are never divided between learning and judging.
        classes: of the problem.
        solver: how.
        seed: of the sample of rows, and of the folds.
        judged: the rows by which the strength is chosen; None: all. All rows are learned from.
        keep: whether the probabilities of held-out rows are wanted.
    """
    chosen = sample(len(targets), solver.rows, seed)
    answers, owners = targets[chosen], [groups[i] for i in chosen]
    asked = np.ones(len(chosen), dtype=bool) if judged is None else judged[chosen]
    rows, middle, scale = centred(features[chosen])
    strengths = sorted(solver.strengths, reverse=True)
    folds = list(part(answers, owners, solver.folds, np.random.default_rng(seed)))
    held = _held_out(rows, answers, classes, folds, strengths)
    best = int(np.argmin([_loss(chances[asked], answers[asked]) for chances in held]))
    weight, bias = next(_path(rows, answers, classes, [strengths[best]]))
    told = held[best]
    unseen = np.full((len(targets) if keep else 0, classes), np.nan)
    unseen[chosen[: len(unseen)]] = told[: len(unseen)]
    return Solved(
        weight / scale,
        bias - weight @ middle / scale,
        strengths[best],
        tuple(int(chosen[row]) for row in doubtful(told, answers)),
        temperature=_temperature(told[asked], answers[asked]),
        held_out=unseen,
    )


def centred(features: Floats) -> tuple[Floats, Floats, float]:
    """Return features of mean zero and unit variance as a whole, the mean that was taken off, and the divisor."""
    rows = features.astype(np.float64)
    middle = rows.mean(0)
    scale = float(np.sqrt(((rows - middle) ** 2).sum(1).mean())) or 1.0
    return (rows - middle) / scale, middle, scale


def sample(count: int, most: int, seed: int) -> Ints:
    """Return the rows that are used; the draw is its own, so that folds do not depend on how often a row is there."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng((seed, 1)).permutation(count)[:most])


def _temperature(chances: Floats, answers: Ints) -> float:
    """Return the temperature of least log-loss (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    Where all are as good, nothing is known of unseen rows: then it is 1, or the nearest to it.
    """
    logs = np.log(np.maximum(chances, FLOOR))

    def loss(temperature: float) -> tuple[float, float]:
        logits = logs / temperature
        losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(answers)), answers]
        return round(float(losses.mean()), 9), abs(np.log(temperature))

    best: float = min(TEMPERATURES, key=loss)
    return best


def part(answers: Ints, owners: Sequence[str], count: int, draw: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
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


def _held_out(
    rows: Floats, answers: Ints, classes: int, folds: Sequence[NDArray[np.bool_]], strengths: Sequence[float]
) -> Floats:
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
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(seen := np.unique(answers)) == 1:  # nothing to tell apart: that class, always
        certain = np.where(np.arange(classes) == seen[0], 0.0, np.log(FLOOR))
        yield from ((np.zeros((classes, rows.shape[1])), certain) for _ in strengths)
        return
    model = LogisticRegression(max_iter=500, warm_start=True)
    for strength in strengths:
        model.set_params(C=1 / (strength * len(rows)))
        with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a start for training, or nearly there: good enough
            warnings.filterwarnings("ignore", "The number of unique classes is greater")  # few labels are our trade
            model.fit(rows, answers)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        full, offset = np.zeros((classes, rows.shape[1])), np.full(classes, bias.min() + np.log(FLOOR))
        full[model.classes_], offset[model.classes_] = weight, bias
        yield full, offset
