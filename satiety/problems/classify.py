"""One label for a text: sentiment, topic, intent.

Source of the metrics: macro-F1 as the mean of the classes' F1 (Opitz & Burst 2019, arXiv:1911.03347, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from satiety.errors import DataError
from satiety.problems.base import PROBLEMS, Labels, Prediction, Problem, Rewrite, Window, ratio
from satiety.records import Example, Span

if TYPE_CHECKING:
    from satiety.problems.base import Embed, Floats, Labels


@PROBLEMS.register("classify")
class Classify(Problem):
    """Give a text one label out of a fixed set."""

    headline: ClassVar = "macro_f1"
    metrics: ClassVar = ("macro_f1", "accuracy")
    columns: ClassVar = ("text", "label")
    head: ClassVar = "text"

    labels: Labels
    """The label set; null takes the labels found in the data, in alphabetical order."""
    names: dict[str, str]
    """What a label is called in words, where it does not say so itself: ``{"0": "finance"}``. For *before*."""

    @classmethod
    def sample(cls) -> Self:
        return cls(labels=["bad", "good"], names={})

    def read(self, row: Mapping[str, Any]) -> tuple[str, str | None, tuple[Span, ...]]:
        label = str(row["label"]).strip()
        if not label:
            raise ValueError("the label is empty")
        if self.labels is not None and label not in self.labels:
            raise ValueError(f"label {label[:80]!r} is not one of: {', '.join(self.labels)[:200]}")
        return str(row["text"]), label, ()

    def settle(self, examples: Sequence[Example]) -> Self:
        found = sorted({example.label for example in examples if example.label is not None})
        labels = self.labels if self.labels is not None else found
        if len(found) < 2:
            raise DataError(f"classify: needs at least two labels in the data; found: {', '.join(found) or 'none'}")
        return self.model_copy(update={"labels": labels})

    @property
    def classes(self) -> tuple[str, ...]:
        if self.labels is None:
            raise ValueError("the problem is not settled: its label set is not known yet")
        return tuple(self.labels)

    def stratum(self, example: Example) -> str:
        return example.label or ""

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        index = {label: i for i, label in enumerate(self.classes)}
        texts = [example.text for example in examples]
        if not texts:
            return []
        encoded = tokenizer(texts, truncation=True, max_length=max_length, return_overflowing_tokens=True)
        owners = encoded["overflow_to_sample_mapping"]
        return [
            Window(owner, ids, [index.get(examples[owner].label or "", -100)])
            for owner, ids in zip(owners, encoded["input_ids"], strict=True)
        ]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        """Average the logits of a long text's windows."""
        sums = np.zeros((len(examples), len(self.classes)))
        counts = np.zeros((len(examples), 1))
        for window, row in zip(windows, logits, strict=True):
            sums[window.example] += row
            counts[window.example] += 1
        means = sums / np.maximum(counts, 1)
        return self._answers(np.exp(means - means.max(axis=1, keepdims=True)))

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Count true positives, predictions and gold labels of each class; shape (examples, 3 · classes)."""
        index = {label: i for i, label in enumerate(self.classes)}
        counts = np.zeros((len(gold), 3, len(index)))
        for row, example, prediction in zip(counts, gold, predicted, strict=True):
            if prediction.label in index:
                row[1, index[prediction.label]] = 1
            if example.label in index:
                row[2, index[example.label]] = 1
        counts[:, 0] = counts[:, 1] * counts[:, 2]
        return counts.reshape(len(gold), 3 * len(index))

    def measure(self, tallies: Floats) -> dict[str, Floats]:
        right, given, gold = np.split(tallies, 3, axis=-1)
        precision, recall = ratio(right, given), ratio(right, gold)
        f1 = ratio(2 * right, given + gold)
        seen = given + gold > 0
        metrics = {
            "macro_f1": ratio((f1 * seen).sum(-1), seen.sum(-1)),
            "accuracy": ratio(right.sum(-1), gold.sum(-1)),
        }
        for i, label in enumerate(self.classes):
            metrics |= {
                f"f1/{label}": f1[..., i],
                f"precision/{label}": precision[..., i],
                f"recall/{label}": recall[..., i],
            }
        return metrics

    def before(self, train: Sequence[Example], texts: Sequence[str], embed: Embed) -> list[Prediction]:
        """Answer by the label whose name is nearest in the untuned model's embedding."""
        names = embed([self.names.get(label, label) for label in self.classes])
        similarity = embed(texts) @ names.T
        return self._answers(np.exp(similarity - similarity.max(axis=1, keepdims=True)))

    def transfer(self, example: Example, rewrite: Rewrite) -> Example | None:
        """Keep the label: a rewrite is meant to keep the sense."""
        return replace(example, text=rewrite.text)

    def outcomes(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        return [(p.confidence, p.label == example.label) for example, p in zip(gold, predicted, strict=True)]

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        return [(example.label or "", p.label or "") for example, p in zip(gold, predicted, strict=True)]

    def _answers(self, weights: Floats) -> list[Prediction]:
        """Turn unnormalised positive weights, shape (texts, classes), into predictions."""
        shares = weights / weights.sum(axis=1, keepdims=True)
        return [
            Prediction(
                label=self.classes[int(row.argmax())],
                confidence=float(row.max()),
                scores=dict(zip(self.classes, row.tolist(), strict=True)),
            )
            for row in shares
        ]
