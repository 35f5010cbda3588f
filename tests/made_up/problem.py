"""The similarity of two texts: two inputs, a number, and a score (Kendall's tau) that is no sum over examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from satiety.core.answers import Number
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Prediction, Problem, ratio
from satiety.problems.windows import Window, text_windows

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.problems.base import Floats, ZeroShotModel

TEXTS = {
    "en": (("the film is good", "a good film"), ("the film is good", "rain in paris")),
    "zh": (("这部电影很好看", "很好看的电影"), ("这部电影很好看", "上海在下雨")),
}


@PROBLEMS.register("made_up")
class MadeUp(Problem):
    """Predict the similarity of two texts."""

    headline: ClassVar = "tau"
    metrics: ClassVar = ("tau",)
    inputs: ClassVar = ("text", "other")
    gold: ClassVar = "number"
    answer: ClassVar = Number
    head: ClassVar = "made_up"

    def parse(self, cell: Any) -> Number:
        return Number.from_json(cell)

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def stratum(self, example: Example) -> str:
        return "alike" if _get_number(example.answer) > 3 else "apart"

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        targets = [[] if example.answer is None else [_get_number(example.answer)] for example in examples]
        windows = text_windows(self, examples, tokenizer, max_length)
        return [replace(window, targets=list(targets[window.example])) for window in windows]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        rows: dict[int, list[float]] = {i: [] for i in range(len(examples))}
        for window, row in zip(windows, logits, strict=True):
            rows[window.example].append(float(row[0]))
        return [Prediction(Number(float(np.mean(values)))) for values in rows.values()]

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return the gold and the predicted number of each example, shape (examples, 2)."""
        pairs = zip(gold, predicted, strict=True)
        return np.array([[_get_number(e.answer), _get_number(p.answer)] for e, p in pairs]).reshape(-1, 2)

    def score(self, tallies: Floats, weights: Floats | None = None) -> dict[str, Floats]:
        counts = np.ones((1, len(tallies))) if weights is None else weights
        systems = tallies.reshape(len(tallies), -1, 2)
        taus = np.stack([_compute_tau(*systems[:, i].T, counts) for i in range(systems.shape[1])], axis=1)
        taus = taus.reshape(len(counts), *tallies.shape[1:-1])
        return {"tau": taus if weights is not None else taus[0]}

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        return [Prediction(Number(0.0)) for _ in examples]

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        return []

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        pairs = zip(gold, predicted, strict=True)
        return [(self.stratum(e), self.stratum(Example("", {}, p.answer))) for e, p in pairs]

    def examples(self, language: str) -> list[Example]:
        numbers = (5.0, 1.0)
        return [
            Example(str(i), {"text": first, "other": second}, Number(numbers[i]))
            for i, (first, second) in enumerate(TEXTS[language])
        ]

    def signature(self) -> dict[str, Any]:
        return {"type": "double"}


def _get_number(answer: Answer | None) -> float:
    return answer.value if isinstance(answer, Number) else 0.0


def _compute_tau(gold: Floats, predicted: Floats, counts: Floats) -> Floats:
    """Return Kendall's tau-b of each resample, shape (resamples,)."""
    signs = [np.sign(values[:, None] - values[None]) for values in (gold, predicted)]

    def compute_total(matrix: Floats) -> Floats:
        return np.asarray(((counts @ matrix) * counts).sum(axis=1))

    return ratio(
        compute_total(signs[0] * signs[1]), np.sqrt(compute_total(signs[0] ** 2) * compute_total(signs[1] ** 2))
    )
