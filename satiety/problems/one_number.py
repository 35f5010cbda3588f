"""Common base of problems whose answer is one number.

Source of the score: Spearman 1904, "The proof and measurement of association between two things", with mean ranks for
ties (Kendall 1945). A rank correlation is not a function of sums over examples, so `score` is overridden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from satiety.core.answers import Number
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems.base import Prediction, Problem, ratio
from satiety.problems.windows import Window, average_windows, text_windows

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.problems.base import Floats, ZeroShotModel


class OneNumber(Problem):
    """Predict one number."""

    headline: ClassVar = "spearman"
    metrics: ClassVar = ("spearman", "pearson", "rmse")
    unbounded: ClassVar = frozenset(metrics)
    gold: ClassVar = "number"
    answer: ClassVar = Number
    head: ClassVar = "score"
    has_confidence: ClassVar = False

    cuts: list[float] | None = Field(default=None, examples=[[2.0, 4.0]])
    """Bounds of the bands of numbers by which the splits are stratified. null takes the quartiles of the data."""

    def parse(self, cell: Any) -> Number:
        try:
            return Number.from_json(cell)
        except ValueError:
            raise ValueError(f"{str(cell)[:80]!r} is not a finite number") from None

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        # A number has no labels; its strata lie between the cuts, by default the quartiles.
        numbers = [number_of(example.answer) for example in examples]
        if len(set(numbers)) < 2:
            raise DataError(f"{self.kind}: needs at least two different numbers in the data: check the column `number`")
        quartiles = sorted({float(quartile) for quartile in np.quantile(numbers, [0.25, 0.5, 0.75])})
        return self.model_copy(update={"cuts": self.cuts if self.cuts is not None else quartiles})

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def stratum(self, example: Example) -> str:
        return f"band {int(np.searchsorted(self.cuts or [], number_of(example.answer), side='right')) + 1}"

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        targets = [[] if example.answer is None else [number_of(example.answer)] for example in examples]
        windows = text_windows(self, examples, tokenizer, max_length)
        return [replace(window, targets=list(targets[window.example])) for window in windows]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        """Predict the mean of the numbers of a text's windows."""
        return [Prediction(Number(float(mean))) for (mean,) in average_windows(windows, logits, (len(examples), 1))]

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return the gold and the predicted number of each example, shape (examples, 2)."""
        pairs = zip(gold, predicted, strict=True)
        return np.array([[number_of(e.answer), number_of(p.answer)] for e, p in pairs]).reshape(-1, 2)

    def score(self, tallies: Floats, weights: Floats | None = None) -> dict[str, Floats]:
        counts = np.ones((1, len(tallies))) if weights is None else weights
        systems = tallies.reshape(len(tallies), -1, 2)
        columns: dict[str, list[Floats]] = {name: [] for name in self.metrics}
        for gold, predicted in (systems[:, i].T for i in range(systems.shape[1])):
            columns["spearman"].append(_correlation(_ranks(gold, counts), _ranks(predicted, counts), counts))
            columns["pearson"].append(_correlation(gold, predicted, counts))
            columns["rmse"].append(np.sqrt(ratio(counts @ (gold - predicted) ** 2, counts.sum(axis=1))))
        shape = (len(counts), *tallies.shape[1:-1])
        metrics = {name: np.stack(values, axis=1).reshape(shape) for name, values in columns.items()}
        return metrics if weights is not None else {name: values[0] for name, values in metrics.items()}

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the mean of the training examples."""
        mean = float(np.mean([number_of(example.answer) for example in train])) if train else 0.0
        return [Prediction(Number(mean)) for _ in examples]

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        """Return an empty list: predicted numbers have no confidence."""
        return []

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        pairs = zip(gold, predicted, strict=True)
        return [(self.stratum(e), self.stratum(Example("", {}, p.answer))) for e, p in pairs]

    def signature(self) -> dict[str, Any]:
        return {"type": "double"}


def number_of(answer: Answer | None) -> float:
    """Return the number of an answer."""
    return answer.value if isinstance(answer, Number) else 0.0


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Return weighted ranks, with mean ranks for ties, shape (resamples, examples)."""
    distinct, inverse = np.unique(values, return_inverse=True)
    counts = np.stack([np.bincount(inverse, weight, len(distinct)) for weight in weights])
    cumulative = counts.cumsum(axis=1)
    return np.asarray((cumulative - (counts - 1) / 2)[:, inverse])


def _correlation(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return weighted Pearson correlations, shape (resamples,); 0 where one variable is constant."""
    total = weights.sum(axis=1, keepdims=True)
    a, b = (values - (weights * values).sum(axis=1, keepdims=True) / total for values in (x, y))
    spread = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    return ratio((weights * a * b).sum(axis=1), spread)
