"""Features of the base encoder -> the linear head, by regularised logistic regression.

The L2 penalty is chosen by cross-validated log-loss. Copies stay in the fold of their parent. The loss is a mean, and
features are centred and scaled to unit variance as a whole, so that a penalty has the same effect for any number of
examples or copies and any scale of the encoder.

Sources: linear probing before fine-tuning: Kumar et al. 2022, LP-FT (arXiv:2202.10054); label issues: Northcutt, Jiang
& Chuang 2021, "Confident learning" (JAIR 70, arXiv:1911.00068), sections 3.1 and 3.2.
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Ints = NDArray[np.integer[Any]]

FLOOR = 1e-4
"""Lower bound of probabilities in the log-loss, so that classes missing from a fold do not dominate it."""
TEMPERATURES = tuple(2.0 ** (step / 4) for step in range(-8, 17))
"""Candidates from 1/4 to 16, four per octave."""
MAX_ISSUES = 20
"""Label issues listed in a report."""

Penalties = list[Annotated[float, Field(gt=0, le=1000)]]


class Solver(BaseModel):
    """Parameters of the logistic or ridge regression that fits a linear head."""

    model_config = FIELDS

    l2: Penalties = Field(min_length=1, default=[0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001])
    """Candidate L2 penalties, chosen by cross-validation: penalty / 2 · ‖w‖² is added to the mean loss."""
    folds: int = Field(ge=2, le=20, default=5)
    """Number of folds of the cross-validation."""
    rows: int = Field(ge=100, le=MAX_COUNT, default=20_000)
    """Maximum number of texts to fit (tokens, for a head over tokens); of more, a random sample is used."""


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """A fitted linear layer."""

    weight: Floats
    """Shape (outputs, hidden)."""
    bias: Floats
    """Shape (outputs,)."""
    l2: float
    """The chosen penalty."""
    label_issues: tuple[int, ...] = ()
    """Rows whose label is probably wrong by out-of-fold probabilities, the most probable first."""
    temperature: float = 1.0
    """Divisor of the logits that calibrates the probabilities, fitted out of fold."""
    held_out: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """Out-of-fold probabilities, shape (rows, outputs), if requested; NaN in rows that were not sampled."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, without loss of precision."""
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
        """Return the head from the result of ``to_dict``."""
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
    """Fit the head by logistic regression.

    Args:
        features: input of the head, shape (rows, hidden).
        targets: class indices, shape (rows,).
        groups: one group name per row; rows of a group stay in the same fold.
        classes: number of classes.
        solver: parameters of the fit.
        seed: random seed of the sample of rows and of the folds.
        eval_mask: rows on which the penalty is chosen, shape (rows,); None means all. All rows are fitted.
        keep_held_out: whether to return out-of-fold probabilities.
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
        temperature=fit_temperature(best_probabilities[mask], answers[mask]),
        held_out=held_out,
    )


def standardize(features: Floats) -> tuple[Floats, Floats, float]:
    """Return centred features scaled to unit variance as a whole, the mean, shape (hidden,), and the divisor."""
    rows = features.astype(np.float64)
    mean = rows.mean(0)
    scale = float(np.sqrt(((rows - mean) ** 2).sum(1).mean())) or 1.0
    return (rows - mean) / scale, mean, scale


def sample_rows(count: int, limit: int, seed: int) -> Ints:
    """Return the indices of at most ``limit`` rows, drawn apart from the folds, so that copies do not change these."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng((seed, 1)).permutation(count)[:limit])


def find_label_issues(probabilities: Floats, answers: Ints) -> list[int]:
    """Return the rows whose label is probably wrong, the most probable first (confident learning).

    A row is an issue where another class is more probable than its label, and at least as probable as that class is on
    average among the rows labelled with it. Hard texts are also found, so the count is an upper bound of wrong labels.

    Args:
        probabilities: out-of-fold probabilities, shape (rows, classes).
        answers: labels, shape (rows,).
    """
    rows, classes = np.arange(len(answers)), probabilities.shape[1]
    by_label = [probabilities[answers == label, label] for label in range(classes)]
    thresholds = np.array([chances.mean() if len(chances) else np.inf for chances in by_label])
    confident = np.where(probabilities >= thresholds, probabilities, 0.0)
    label_scores, rival = probabilities[rows, answers], confident.argmax(1)
    margins = confident[rows, rival] - label_scores
    issues = np.flatnonzero(margins > 0)
    return [int(row) for row in issues[np.argsort(-margins[issues], kind="stable")]]


def fit_temperature(chances: Floats, answers: Ints) -> float:
    """Return the temperature with the lowest log-loss (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    Of equally good candidates the one nearest to 1 is chosen.
    """
    logs = np.log(np.maximum(chances, FLOOR))

    def loss(temperature: float) -> tuple[float, float]:
        logits = logs / temperature
        losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(answers)), answers]
        return round(float(losses.mean()), 9), abs(np.log(temperature))

    best: float = min(TEMPERATURES, key=loss)
    return best


def calibrate_losses(probabilities: Floats, answers: Ints) -> Floats:
    """Return the log-loss of each row after division of the logits by the best temperature, shape (rows,)."""
    logs = np.log(np.maximum(probabilities, FLOOR)) / fit_temperature(probabilities, answers)
    losses: Floats = np.logaddexp.reduce(logs, axis=1) - logs[np.arange(len(answers)), answers]
    return losses


def split_folds(
    answers: Ints, owners: Sequence[str], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    """Yield ``count`` boolean masks of held-out rows: whole groups, stratified by the class of their first row."""
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
    """Return out-of-fold probabilities for each penalty, shape (penalties, rows, classes).

    Probabilities are uniform where the training rows of a fold have a single class.
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
    """Yield (weight, bias) for each penalty, from large to small, each fit warm-started from the previous one."""
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(present := np.unique(answers)) == 1:  # a single class: always predict it
        certain = np.where(np.arange(classes) == present[0], 0.0, np.log(FLOOR))
        yield from ((np.zeros((classes, rows.shape[1])), certain) for _ in penalties)
        return
    model = LogisticRegression(max_iter=500, warm_start=True)
    for penalty in penalties:
        model.set_params(C=1 / (penalty * len(rows)))
        with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
            warnings.simplefilter("ignore", ConvergenceWarning)  # an approximate solution is sufficient
            warnings.filterwarnings("ignore", "The number of unique classes is greater")  # expected with few labels
            model.fit(rows, answers)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        padded, offset = np.zeros((classes, rows.shape[1])), np.full(classes, bias.min() + np.log(FLOOR))
        padded[model.classes_], offset[model.classes_] = weight, bias
        yield padded, offset
