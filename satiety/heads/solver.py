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

from satiety.core.section import FIELDS, MAX_COUNT
from satiety.heads.label_issues import find_label_issues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]

FLOOR = 1e-4
"""Least probability in a log-loss, so that a class that a fold has never seen does not decide everything."""
TEMPERATURES = tuple(2.0 ** (step / 4) for step in range(-8, 17))
"""From 1/4 to 16, four steps to the octave."""

Penalties = list[Annotated[float, Field(gt=0, le=1000)]]


class Solver(BaseModel):
    """How a head is solved."""

    model_config = FIELDS

    l2: Penalties = Field(min_length=1, default=[0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001])
    """L2 penalties to choose from: half of it times the squared weights is added to the mean loss."""
    folds: int = Field(ge=2, le=20, default=5)
    """Of the cross-validation that chooses."""
    rows: int = Field(ge=100, le=MAX_COUNT, default=20_000)
    """Texts (or tokens, for a head over tokens) that are used at most; a seeded sample of more."""


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """A solved linear layer."""

    weight: Floats
    """Shape (outputs, hidden)."""
    bias: Floats
    """Shape (outputs,)."""
    l2: float
    """The penalty that was chosen."""
    label_issues: tuple[int, ...] = ()
    """Rows whose target looks wrong to the heads of the folds that did not see them, the most doubtful first."""
    temperature: float = 1.0
    """What the logits are to be divided by, so that confidences are right as often as they say (on rows not seen)."""
    held_out: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """Probabilities by the layers of the folds that did not see a row, shape (rows, outputs), where they were wanted;
    NaN where a row was not drawn."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON keeps it, to the last bit."""
        return {
            "weight": self.weight.tolist(),
            "bias": self.bias.tolist(),
            "l2": self.l2,
            "label_issues": self.label_issues,
            "temperature": self.temperature,
            "held_out": self.held_out.tolist(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the head that ``fields`` described."""
        weight, bias = np.array(fields["weight"]), np.array(fields["bias"])
        scalars = {name: fields[name] for name in ("l2", "temperature")}
        held_out = np.array(fields["held_out"], dtype=np.float64)
        return cls(weight, bias, label_issues=tuple(fields["label_issues"]), held_out=held_out, **scalars)


def solve(
    features: Floats,
    targets: Ints,
    groups: Sequence[str],
    classes: int,
    solver: Solver,
    seed: int,
    eval_mask: NDArray[np.bool_] | None = None,
    *,
    keep_held_out: bool = False,
) -> LinearProbe:
    """Return the head for features of shape (rows, hidden), targets and groups of shape (rows,).

    Args:
        features: what the head sees.
        targets: class indices.
        groups: rows of one group are never divided between learning and judging.
        classes: of the problem.
        solver: how.
        seed: of the sample of rows, and of the folds.
        eval_mask: the rows by which the strength is chosen; None: all. All rows are learned from.
        keep_held_out: whether the probabilities of held-out rows are wanted.
    """
    indices = sample_rows(len(targets), solver.rows, seed)
    answers, owners = targets[indices], [groups[i] for i in indices]
    mask = np.ones(len(indices), dtype=bool) if eval_mask is None else eval_mask[indices]
    rows, mean, scale = standardize(features[indices])
    penalties = sorted(solver.l2, reverse=True)
    folds = list(split_folds(answers, owners, solver.folds, np.random.default_rng(seed)))
    fold_probabilities = _held_out(rows, answers, classes, folds, penalties)
    best = int(np.argmin([_loss(chances[mask], answers[mask]) for chances in fold_probabilities]))
    weight, bias = next(_path(rows, answers, classes, [penalties[best]]))
    best_probabilities = fold_probabilities[best]
    held_out = np.full((len(targets) if keep_held_out else 0, classes), np.nan)
    held_out[indices[: len(held_out)]] = best_probabilities[: len(held_out)]
    return LinearProbe(
        weight / scale,
        bias - weight @ mean / scale,
        penalties[best],
        tuple(int(indices[row]) for row in find_label_issues(best_probabilities, answers)),
        temperature=_temperature(best_probabilities[mask], answers[mask]),
        held_out=held_out,
    )


def standardize(features: Floats) -> tuple[Floats, Floats, float]:
    """Return features of mean zero and unit variance as a whole, the mean that was taken off, and the divisor."""
    rows = features.astype(np.float64)
    mean = rows.mean(0)
    scale = float(np.sqrt(((rows - mean) ** 2).sum(1).mean())) or 1.0
    return (rows - mean) / scale, mean, scale


def sample_rows(count: int, limit: int, seed: int) -> Ints:
    """Return the rows that are used; the draw is its own, so that folds do not depend on how often a row is there."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng((seed, 1)).permutation(count)[:limit])


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


def split_folds(
    answers: Ints, owners: Sequence[str], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    """Yield ``count`` boolean masks of held-out rows: whole groups, each class (of their first rows) spread evenly."""
    class_of = {owner: int(answers[i]) for i, owner in reversed(list(enumerate(owners)))}
    names = sorted(class_of)
    by_class: dict[int, list[str]] = defaultdict(list)
    for i in rng.permutation(len(names)):
        by_class[class_of[names[i]]].append(names[i])
    order = [name for label in sorted(by_class) for name in by_class[label]]
    fold_of = {name: i % count for i, name in enumerate(order)}
    numbers = np.array([fold_of[owner] for owner in owners])
    for fold in range(count):
        yield numbers == fold


def _held_out(
    rows: Floats, answers: Ints, classes: int, folds: Sequence[NDArray[np.bool_]], penalties: Sequence[float]
) -> Floats:
    """Return the probabilities that each strength gives to rows it has not seen, shape (strengths, rows, classes).

    Rows of a fold without which there is but one class are told nothing: every class is as likely.
    """
    chances = np.full((len(penalties), len(rows), classes), 1 / classes)
    for mask in folds:
        if not mask.any() or len(set(answers[~mask].tolist())) < 2:
            continue
        for i, (weight, bias) in enumerate(_path(rows[~mask], answers[~mask], classes, penalties)):
            logits = rows[mask] @ weight.T + bias
            shares = np.exp(logits - logits.max(1, keepdims=True))
            chances[i, mask] = shares / shares.sum(1, keepdims=True)
    return chances


def _loss(chances: Floats, answers: Ints) -> float:
    """Return the mean log-loss."""
    return float(-np.log(np.maximum(chances[np.arange(len(answers)), answers], FLOOR)).mean())


def _path(rows: Floats, answers: Ints, classes: int, penalties: Sequence[float]) -> Iterator[tuple[Floats, Floats]]:
    """Yield (weight, bias) at each strength, from strong to weak, each starting where the last one ended."""
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(present := np.unique(answers)) == 1:  # nothing to tell apart: that class, always
        certain = np.where(np.arange(classes) == present[0], 0.0, np.log(FLOOR))
        yield from ((np.zeros((classes, rows.shape[1])), certain) for _ in penalties)
        return
    model = LogisticRegression(max_iter=500, warm_start=True)
    for penalty in penalties:
        model.set_params(C=1 / (penalty * len(rows)))
        with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a start for training, or nearly there: good enough
            warnings.filterwarnings("ignore", "The number of unique classes is greater")  # few labels are our trade
            model.fit(rows, answers)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        padded, offset = np.zeros((classes, rows.shape[1])), np.full(classes, bias.min() + np.log(FLOOR))
        padded[model.classes_], offset[model.classes_] = weight, bias
        yield padded, offset
