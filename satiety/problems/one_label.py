"""Common base of problems whose answer is one label.

Source: macro-F1 as the mean of the classes' F1 (Opitz & Burst 2019, arXiv:1911.03347, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from satiety.core.answers import Label, labels_of
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems.base import LabelSet, Prediction, Problem, count_labels, ratio, scalar, score_classes
from satiety.problems.windows import IGNORE, Window, average_windows, text_windows

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.core.inputs import Inputs
    from satiety.problems.base import Floats


class OneLabel(Problem):
    """Predict one label out of a fixed set."""

    headline: ClassVar = "macro_f1"
    metrics: ClassVar = ("macro_f1", "accuracy")
    gold: ClassVar = "label"
    answer: ClassVar = Label
    categorical: ClassVar = True
    head: ClassVar = "text"
    suite: ClassVar = "labelled_classify"

    labels: LabelSet = None
    """The label set. null takes the labels found in the data, in alphabetical order."""

    def parse(self, cell: Any) -> Label:
        return Label(scalar(self.gold, cell))

    def check(self, inputs: Inputs, answer: Answer) -> None:
        label = _label(answer)
        if not label:
            raise ValueError("the label is empty")
        if self.labels is not None and label not in self.labels:
            raise ValueError(f"label {label[:80]!r} is not one of: {', '.join(self.labels)[:200]}")

    def accepts(self, answer: Answer) -> bool:
        return isinstance(answer, Label) and answer.label in self.label_set

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        data_labels = labels_of(example.answer for example in examples)
        labels = self.labels if self.labels is not None else data_labels
        if len(data_labels) < 2:
            raise DataError(
                f"{self.kind}: needs at least two labels in the data, found: {', '.join(data_labels) or 'none'}"
            )
        return self.model_copy(update={"labels": labels})

    @property
    def classes(self) -> tuple[str, ...]:
        if self.labels is None:
            raise ValueError("the label set is not fixed: call `fit_labels` first")
        return tuple(self.labels)

    def stratum(self, example: Example) -> str:
        return _label(example.answer)

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        index = {label: i for i, label in enumerate(self.classes)}
        return [
            replace(window, targets=[index.get(_label(examples[window.example].answer), IGNORE)])
            for window in text_windows(self, examples, tokenizer, max_length)
        ]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        """Predict the most probable label; logits are averaged over windows."""
        means = average_windows(windows, logits, (len(examples), len(self.classes)))
        return self.predict_from_weights(np.exp(means - means.max(axis=1, keepdims=True)))

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Count true positives, predictions and gold labels of each class; shape (examples, 3 · classes)."""
        return count_labels(self.classes, gold, predicted).reshape(len(gold), 3 * len(self.classes))

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        correct, predicted, gold = np.split(tallies, 3, axis=-1)
        f1, present = ratio(2 * correct, predicted + gold), predicted + gold > 0
        return {
            "macro_f1": ratio((f1 * present).sum(-1), present.sum(-1)),
            "accuracy": ratio(correct.sum(-1), gold.sum(-1)),
            **score_classes(self.classes, correct, predicted, gold),
        }

    def estimate_tallies(self, probabilities: Floats) -> Floats:
        """Return the counts of the expected confusion matrix (CBPE: Kivimäki et al. 2025, arXiv:2505.05295)."""
        names = self.classes
        answers = [Prediction(Label(names[i])) for i in probabilities.argmax(axis=1)]
        counts = [self.tally([Example("", {}, Label(name))] * len(answers), answers) for name in names]
        tallies: Floats = np.einsum("ntc,tn->tc", np.stack(counts), probabilities)
        return tallies

    def outputs(self, predicted: Sequence[Prediction]) -> Floats:
        return np.array([[prediction.scores[name] for name in self.classes] for prediction in predicted])

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        return [(p.confidence, p.answer == example.answer) for example, p in zip(gold, predicted, strict=True)]

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        return [(_label(example.answer), _label(p.answer)) for example, p in zip(gold, predicted, strict=True)]

    def contradicts(self, stored: Answer, confidence: float, prediction: Prediction, tolerance: float) -> bool:
        """Compare the probability of the stored label; the label itself may flip between two equally probable ones."""
        return not abs(prediction.scores.get(_label(stored), 0) - confidence) <= tolerance

    def signature(self) -> dict[str, Any]:
        return {"type": "string"}

    def predict_from_weights(self, weights: Floats) -> list[Prediction]:
        """Turn unnormalised positive weights, shape (texts, classes), into predictions."""
        shares = weights / weights.sum(axis=1, keepdims=True)
        return [
            Prediction(
                Label(self.classes[int(row.argmax())]),
                confidence=float(row.max()),
                scores=dict(zip(self.classes, row.tolist(), strict=True)),
            )
            for row in shares
        ]


def _label(answer: Answer | None) -> str:
    return answer.label if isinstance(answer, Label) else ""
