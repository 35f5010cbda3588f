"""Any number of labels per text, such as topics of a news item or symptoms in a report.

A label is predicted where its probability reaches a threshold. Thresholds maximise F1 on held-out probabilities
(Lipton, Elkan & Naryanaswamy 2014, arXiv:1402.1892).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from satiety.core.answers import Labels, labels_of
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, LabelSet, Prediction, Problem, count_labels, ratio, score_classes
from satiety.problems.windows import Window, average_windows, text_windows

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.core.inputs import Inputs
    from satiety.problems.base import Floats, ZeroShotModel

TEXTS = {
    "en": ("The delivery came early and everything works.", "The delivery was late."),
    "zh": ("快递提前到了，东西都很好用。", "快递来晚了。"),
}
HALF = 0.5
"""Default threshold."""


@PROBLEMS.register("multilabel")
class MultiLabel(Problem):
    """Predict any number of labels per text."""

    headline: ClassVar = "macro_f1"
    metrics: ClassVar = ("macro_f1", "micro_f1", "exact_match")
    gold: ClassVar = "labels"
    answer: ClassVar = Labels
    head: ClassVar = "labels"

    labels: LabelSet = None
    """The label set. null takes the labels found in the data, in alphabetical order."""
    separator: str = Field(min_length=1, default=",")
    """Separator of labels in a cell of text; not used for lists."""
    thresholds: dict[str, float] | None = None
    """Minimum probability of each label to be predicted, 0.5 for labels without one. null chooses the thresholds by
    cross-validation."""

    @classmethod
    def sample(cls) -> Self:
        return cls(labels=["delivery", "quality"], separator=",", thresholds=None)

    def parse(self, cell: Any) -> Labels:
        if isinstance(cell, str):
            cell = [name for part in cell.split(self.separator) if (name := part.strip())]
        return Labels.from_json(cell)

    def check(self, inputs: Inputs, answer: Answer) -> None:
        unknown = [name for name in answer.labels if self.labels is not None and name not in self.labels]
        if unknown:
            raise ValueError(f"label {unknown[0][:80]!r} is not one of: {', '.join(self.labels or ())[:200]}")

    def accepts(self, answer: Answer) -> bool:
        return isinstance(answer, Labels) and set(answer.names) <= set(self.label_set)

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        data_labels = labels_of(example.answer for example in examples)
        if not data_labels:
            raise DataError("multilabel: no example has a label: check the column mapping of `labels`")
        return self.model_copy(update={"labels": self.labels if self.labels is not None else data_labels})

    @property
    def classes(self) -> tuple[str, ...]:
        if self.labels is None:
            raise ValueError("the label set is not fixed: call `fit_labels` first")
        return tuple(self.labels)

    def stratum(self, example: Example) -> str:
        return "+".join(labels_of([example.answer]))

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        answers = [example.answer for example in examples]
        targets = [
            [] if answer is None else [float(name in answer.labels) for name in self.classes] for answer in answers
        ]
        windows = text_windows(self, examples, tokenizer, max_length)
        return [replace(window, targets=list(targets[window.example])) for window in windows]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        """Predict the labels whose probability reaches their threshold; logits are averaged over windows."""
        means = average_windows(windows, logits, (len(examples), len(self.classes)))
        return [self._prediction(row) for row in np.exp(-np.logaddexp(0, -means))]

    def fit_decoder(self, examples: Sequence[Example], probabilities: Floats) -> Self:
        """Choose the threshold of each label that maximises its F1; probabilities have shape (examples, labels)."""
        if self.thresholds is not None:
            return self
        gold = np.array(
            [[name in example.answer.labels for name in self.classes] for example in examples if example.answer]
        )
        thresholds = {name: _threshold(probabilities[:, i], gold[:, i]) for i, name in enumerate(self.classes)}
        return self.model_copy(update={"thresholds": thresholds})

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Count true positives, predictions and gold labels of each class, exact matches and examples.

        Returns:
            Shape (examples, 3 · classes + 2).
        """
        counts = count_labels(self.classes, gold, predicted)
        exact = (counts[:, 1] == counts[:, 2]).all(axis=1)
        return np.column_stack([counts.reshape(len(gold), -1), exact, np.ones(len(gold))])

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        correct, predicted, gold = np.split(tallies[..., :-2], 3, axis=-1)
        f1, present = ratio(2 * correct, predicted + gold), predicted + gold > 0
        return {
            "macro_f1": ratio((f1 * present).sum(-1), present.sum(-1)),
            "micro_f1": ratio(2 * correct.sum(-1), (predicted + gold).sum(-1)),
            "exact_match": ratio(tallies[..., -2], tallies[..., -1]),
            **score_classes(self.classes, correct, predicted, gold),
        }

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the single label whose name has the most similar embedding in the base model."""
        similarity = base.embed([example.text for example in examples]) @ base.embed(list(self.classes)).T
        chances = np.exp(similarity - similarity.max(axis=1, keepdims=True))
        return [
            Prediction(Labels((self.classes[int(row.argmax())],)), float(row.max()), self._scores(row))
            for row in chances / chances.sum(axis=1, keepdims=True)
        ]

    def estimate_tallies(self, probabilities: Floats) -> Floats:
        # Expected true positives, predicted positives and gold positives of each label; exact matches; examples.
        decisions = (probabilities >= self._thresholds).astype(np.float64)
        exact = np.where(decisions > 0, probabilities, 1 - probabilities).prod(axis=1)
        return np.column_stack(
            [decisions * probabilities, decisions, probabilities, exact, np.ones(len(probabilities))]
        )

    def outputs(self, predicted: Sequence[Prediction]) -> Floats:
        return np.array([[prediction.scores[name] for name in self.classes] for prediction in predicted])

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        return [
            (prediction.scores[name], name in labels_of([example.answer]))
            for example, prediction in zip(gold, predicted, strict=True)
            for name in labels_of([prediction.answer])
        ]

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        """Return pairs of labels; a missed or wrongly predicted label is paired with an empty name."""
        pairs = []
        for example, prediction in zip(gold, predicted, strict=True):
            truth, guess = set(labels_of([example.answer])), set(labels_of([prediction.answer]))
            pairs += [(name if name in truth else "", name if name in guess else "") for name in sorted(truth | guess)]
        return pairs

    def contradicts(self, stored: Answer, confidence: float, prediction: Prediction, tolerance: float) -> bool:
        """Return whether labels differ whose probability is further than ``tolerance`` from their threshold."""
        differ = set(stored.labels) ^ set(labels_of([prediction.answer]))
        thresholds = dict(zip(self.classes, self._thresholds.tolist(), strict=True))
        return any(not abs(prediction.scores.get(name, 1) - thresholds.get(name, 0)) <= tolerance for name in differ)

    def examples(self, language: str) -> list[Example]:
        two_label_text, one_label_text = TEXTS[language]
        first = self.classes[0]
        answers = [Labels(tuple(sorted(self.classes))), Labels((first,))]
        return [Example(str(i), {"text": text}, answers[i]) for i, text in enumerate((two_label_text, one_label_text))]

    def signature(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}

    @property
    def _thresholds(self) -> Floats:
        thresholds = self.thresholds or {}
        return np.array([thresholds.get(name, HALF) for name in self.classes])

    def _prediction(self, chances: Floats) -> Prediction:
        decisions = chances >= self._thresholds
        names = sorted(name for name, has in zip(self.classes, decisions, strict=True) if has)
        confidence = float(np.where(decisions, chances, 1 - chances).mean())
        return Prediction(Labels(tuple(names)), confidence, self._scores(chances))

    def _scores(self, chances: Floats) -> dict[str, float]:
        return dict(zip(self.classes, chances.tolist(), strict=True))


def _threshold(chances: Floats, gold: Floats) -> float:
    """Return the threshold with the largest F1, midway between two probabilities; 0.5 where every F1 is 0."""
    order = np.argsort(-chances, kind="stable")
    correct, predicted = gold[order].cumsum(), np.arange(1, len(gold) + 1)
    f1 = ratio(2 * correct, predicted + gold.sum())
    best = int(f1.argmax())
    if not f1[best] > 0:
        return HALF
    below = chances[order[best + 1]] if best + 1 < len(order) else 0.0
    return float((chances[order[best]] + below) / 2)
