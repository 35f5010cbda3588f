"""A model's answer -> the nearest training examples in the model's feature space.

Distance is the cosine of the features, the input of the tuned model's head. Each entity of an answer is compared with
the entities of the training examples; an answer without entities is compared by whole texts. Near examples are evidence
for an answer, not its cause; finding the cause requires training without them.

Source: k nearest neighbours in representation space as evidence for a prediction: Papernot & McDaniel 2018,
arXiv:1803.04765; Rajani et al. 2020, arXiv:2010.09030.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.answers import labels_of
from satiety.core.inputs import text_of
from satiety.text.words import split_units

if TYPE_CHECKING:
    from satiety.core.answers import Answer, Span
    from satiety.core.inputs import Inputs
    from satiety.core.records import Example
    from satiety.problems.base import Floats
    from satiety.tuning.tuned_model import TunedModel


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One training example, or one of its entities, near an answer."""

    id: str
    source: str
    """Place in the source: ``file:line``."""
    text: str
    gold: str
    """Gold label of the example or entity; ``no entity`` if there is none."""
    similarity: float
    """Cosine of the features, in [-1, 1]."""
    agrees: bool
    """Whether its label equals the predicted one."""


@dataclass(frozen=True, slots=True)
class NearestNeighbors:
    """Nearest neighbours of one answer, or of one of its entities."""

    answer_text: str
    """The predicted label."""
    text: str
    """The text, or the entity in it."""
    rows: tuple[Neighbor, ...]
    """Neighbours, nearest first."""

    @property
    def agreement(self) -> float:
        """Share of the neighbours with the predicted label; 0 if there are none."""
        return sum(row.agrees for row in self.rows) / len(self.rows) if self.rows else 0.0


NO_ENTITY = "no entity"


def find_nearest(
    model: TunedModel, inputs: Inputs, answer: Answer, train: Sequence[Example], nearest: int
) -> list[NearestNeighbors]:
    """Return the nearest training examples of an answer, or of each of its entities.

    Args:
        model: the model that answered.
        inputs: its inputs.
        answer: its answer.
        train: its training examples.
        nearest: number of neighbours.
    """
    queries, *references = _features(model, [inputs, *(example.inputs for example in train)])
    if not answer.mentions:
        rows = [
            (_normalised_mean(features), example, _format_labels(example.answer), example.text)
            for features, example in zip(references, train, strict=True)
        ]
        return [_rank(_normalised_mean(queries), _format_labels(answer), text_of(inputs), rows, nearest)]

    # entities are compared with entities
    field = model.problem.span_input
    rows = [
        (_normalised_mean(features[_covered_units(text, mention)]), example, label, text[mention.start : mention.end])
        for features, example in zip(references, train, strict=True)
        for text in [str(example.inputs[field])]
        for mention, label in _labelled_mentions(example.answer)
    ]
    text = str(inputs[field])
    return [
        _rank(
            _normalised_mean(queries[_covered_units(text, mention)]),
            label,
            text[mention.start : mention.end],
            rows,
            nearest,
        )
        for mention, label in _labelled_mentions(answer)
    ]


def _labelled_mentions(answer: Answer | None) -> list[tuple[Span, str]]:
    """Return the entities of an answer with their labels."""
    return list(zip(answer.mentions, answer.labels, strict=False)) if answer else []


def _rank(
    query: Floats, predicted: str, excerpt: str, rows: Sequence[tuple[Floats, Example, str, str]], nearest: int
) -> NearestNeighbors:
    cosines = [float(vector @ query) for vector, *_ in rows]
    order = sorted(range(len(rows)), key=lambda i: (-cosines[i], rows[i][1].id))[:nearest]
    neighbors = (
        Neighbor(example.id, example.source, text, label, round(cosines[i], 4), label == predicted)
        for i in order
        for _, example, label, text in [rows[i]]
    )
    return NearestNeighbors(predicted, excerpt, tuple(neighbors))


def _format_labels(answer: Answer | None) -> str:
    """Return the labels of an answer, or the answer as text if it has none."""
    return ", ".join(labels_of([answer])) or str(answer or "") or NO_ENTITY


def _features(model: TunedModel, inputs: Sequence[Inputs]) -> Iterator[Floats]:
    """Yield the features of each input: shape (windows, hidden), or (units, hidden) for a head over tokens."""
    from satiety.tuning.inference import features_of
    from satiety.tuning.inputs import encode

    examples, card = model.problem.build_examples(inputs), model.card
    windows = encode(model.problem, examples, model.tokenizer, max_length=card.max_length, prefix=card.prefix)
    features = features_of(model.model, windows, model.hardware, pad=model.tokenizer.pad_token_id)
    width = model.model.width
    grouped: list[dict[int, Floats]] = [{} for _ in inputs]
    for window, rows in zip(windows, features, strict=True):
        vectors = grouped[window.example]
        if rows.ndim == 1:
            vectors[len(vectors)] = rows
        else:
            vectors |= {unit: row for unit, row in zip(window.units, rows, strict=False) if unit >= 0}
    for example, vectors in zip(examples, grouped, strict=True):
        count = len(split_units(example.text)) if model.model.task_head.per_token else len(vectors)
        yield np.array([vectors.get(i, np.zeros(width)) for i in range(count)]).reshape(count, width)


def _covered_units(text: str, span: Span) -> list[int]:
    """Return the indices of the text units that a span covers."""
    return [i for i, (start, end) in enumerate(split_units(text)) if start < span.end and end > span.start]


def _normalised_mean(rows: Floats) -> Floats:
    """Return the mean of the rows, normalised to length 1; zeros stay zeros."""
    mean = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
