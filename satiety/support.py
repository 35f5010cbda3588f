"""A model's answer -> the training examples that it most likely rests on, as the model itself sees texts.

Nearest are those whose features, what the tuned model's head is given, have the largest cosine with the features of the
text that was asked. Where stretches of a text are labelled, each entity of the answer is looked up among the entities
of the training examples; an answer without any, among whole texts. It tells what is near, not what made the model say
so: for that one would have to train anew without it.

Source: k nearest neighbours in representation space as evidence for a prediction: Papernot & McDaniel 2018,
arXiv:1803.04765; Rajani et al. 2020, arXiv:2010.09030.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.words import units

if TYPE_CHECKING:
    from satiety.problems import Prediction
    from satiety.problems.base import Floats
    from satiety.records import Example, Span
    from satiety.tuning.tuned import Tuned


@dataclass(frozen=True, slots=True)
class Row:
    """One training example, or one entity of it, that an answer rests on."""

    id: str
    source: str
    """Where it was read: ``file:line``."""
    text: str
    label: str
    """Its gold label, or that of its entity; ``no entity`` where it has none."""
    similarity: float
    """Cosine of the features, in [-1, 1]."""
    agrees: bool
    """Whether its label is the answer's."""


@dataclass(frozen=True, slots=True)
class Support:
    """What one answer, or one entity of it, rests on."""

    said: str
    """The label that was answered."""
    about: str
    """The text, or the entity in it."""
    rows: tuple[Row, ...]
    """The nearest first."""

    @property
    def agreement(self) -> float:
        """Share of the rows that have the label that was answered, in [0, 1]; 0 without rows."""
        return sum(row.agrees for row in self.rows) / len(self.rows) if self.rows else 0.0


NONE = "no entity"


def support(model: Tuned, text: str, answer: Prediction, train: Sequence[Example], nearest: int) -> list[Support]:
    """Return what the answer rests on, once per entity where entities are labelled.

    Args:
        model: the one that answered.
        text: what it was asked.
        answer: what it said.
        train: the examples it learned from.
        nearest: rows to return of each.
    """
    asked, *known = _features(model, [text, *(example.text for example in train)])
    if not answer.spans:
        rows = [(_mean(one), example, _whole(example), example.text) for one, example in zip(known, train, strict=True)]
        return [_nearest(_mean(asked), answer.label or NONE, text, rows, nearest)]
    rows = [
        (_mean(one[_within(example.text, span)]), example, span.label, example.text[span.start : span.end])
        for one, example in zip(known, train, strict=True)
        for span in example.spans
    ]
    return [
        _nearest(_mean(asked[_within(text, span)]), span.label, text[span.start : span.end], rows, nearest)
        for span in answer.spans
    ]


def _nearest(
    asked: Floats, said: str, about: str, rows: Sequence[tuple[Floats, Example, str, str]], nearest: int
) -> Support:
    cosines = [float(vector @ asked) for vector, *_ in rows]
    order = sorted(range(len(rows)), key=lambda i: (-cosines[i], rows[i][1].id))[:nearest]
    found = []
    for i in order:
        _, example, label, text = rows[i]
        found.append(Row(example.id, example.source, text, label, round(cosines[i], 4), label == said))
    return Support(said, about, tuple(found))


def _whole(example: Example) -> str:
    if example.label is not None:
        return example.label
    return ", ".join(sorted({span.label for span in example.spans})) or NONE


def _features(model: Tuned, texts: Sequence[str]) -> Iterator[Floats]:
    """Yield per text what the head is given: shape (windows, hidden), or (units, hidden) for a head over tokens."""
    from satiety.records import Example
    from satiety.tuning.inputs import encode
    from satiety.tuning.predict import logits_of

    examples, card = [Example(str(i), text) for i, text in enumerate(texts)], model.card
    windows = encode(model.problem, examples, model.tokenizer, max_length=card.max_length, prefix=card.prefix)
    found = logits_of(model.model, windows, model.hardware, pad=model.tokenizer.pad_token_id, features=True)
    width = model.model.head.in_features
    of: list[dict[int, Floats]] = [{} for _ in texts]
    for window, rows in zip(windows, found, strict=True):
        at = of[window.example]
        if rows.ndim == 1:
            at[len(at)] = rows
        else:
            at |= {unit: row for unit, row in zip(window.units, rows, strict=False) if unit >= 0}
    for example, at in zip(examples, of, strict=True):
        count = len(units(example.text)) if model.problem.head == "token" else len(at)
        yield np.array([at.get(i, np.zeros(width)) for i in range(count)]).reshape(count, width)


def _within(text: str, span: Span) -> list[int]:
    """Return which units of the text the span covers."""
    return [i for i, (start, end) in enumerate(units(text)) if start < span.end and end > span.start]


def _mean(rows: Floats) -> Floats:
    """Return the mean of the rows at length 1; zeros stay zeros."""
    mean = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
