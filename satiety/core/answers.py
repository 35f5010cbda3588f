"""Answers: one frozen class per shape, and the codec `dump` and `load` for JSON.

Only problems and heads depend on the shape. All other modules use the common interface: the labels, the mentions (spans
of the input) and the free texts of an answer. So labels can be renamed, mentions moved and texts masked for any
problem.

Answers are hashable. Offsets are in characters (Unicode code points), half-open.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from satiety.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled span of a text: characters ``start`` to ``end``, half-open."""

    start: int
    end: int
    label: str

    @property
    def offsets(self) -> str:
        """Offsets as ``start:end``."""
        return f"{self.start}:{self.end}"

    def __str__(self) -> str:
        return f"{self.offsets} {self.label}"


class Answer(ABC):
    """Common interface of all answers; a shape without labels, mentions or texts keeps these defaults."""

    __slots__ = ()
    kind: ClassVar[str]
    """Tag in the JSON form."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the answer, in order; may contain a label twice."""
        return ()

    @property
    def mentions(self) -> tuple[Span, ...]:
        """Spans of the input that the answer refers to, in order of start."""
        return ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Free texts of the answer, which may contain personal data."""
        return ()

    def locate(self) -> tuple[tuple[int, int, str], ...]:
        """Return start, end and type of each mention, in order of start."""
        return tuple((mention.start, mention.end, mention.label) for mention in self.mentions)

    def rename(self, name: Callable[[str], str]) -> Self:
        """Return the answer with renamed labels."""
        return self

    def move(self, mentions: Sequence[Span]) -> Self:
        """Return the answer with its mentions replaced by moved ones, or by a subset of them."""
        return self

    def reword(self, word: Callable[[str], str]) -> Self:
        """Return the answer with changed texts."""
        return self

    def is_close(self, answer: Answer, tolerance: float) -> bool:
        """Return whether two answers are equal; numbers up to ``tolerance`` times the larger of 1 and their size."""
        return self == answer

    def restrict(self, labels: Collection[str]) -> Self:
        """Return the answer without mentions of other labels."""
        return self.move([mention for mention in self.mentions if mention.label in labels])

    @abstractmethod
    def to_json(self) -> Any:
        """Return the JSON value, without its tag."""

    @classmethod
    @abstractmethod
    def from_json(cls, content: Any) -> Self:
        """Return the answer from its JSON value; raise ValueError or TypeError if it is invalid."""


@dataclass(frozen=True, slots=True)
class Label(Answer):
    """One label of a set."""

    kind: ClassVar = "label"
    label: str

    def __str__(self) -> str:
        return self.label

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label,)

    def rename(self, name: Callable[[str], str]) -> Self:
        return replace(self, label=name(self.label))

    def to_json(self) -> str:
        return self.label

    @classmethod
    def from_json(cls, content: Any) -> Self:
        return cls(_check_text(content))


@dataclass(frozen=True, slots=True)
class Labels(Answer):
    """Any number of labels of a set, in alphabetical order; may be empty."""

    kind: ClassVar = "labels"
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.names)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.names

    def rename(self, name: Callable[[str], str]) -> Self:
        return replace(self, names=tuple(sorted(set(map(name, self.names)))))

    def restrict(self, labels: Collection[str]) -> Self:
        return replace(self, names=tuple(name for name in self.names if name in labels))

    def to_json(self) -> list[str]:
        return list(self.names)

    @classmethod
    def from_json(cls, content: Any) -> Self:
        return cls(tuple(sorted({_check_text(name) for name in _check_list(content)})))


@dataclass(frozen=True, slots=True)
class Number(Answer):
    """A finite number, such as a rating or a similarity."""

    kind: ClassVar = "number"
    value: float

    def __str__(self) -> str:
        return f"{self.value:g}"

    def is_close(self, answer: Answer, tolerance: float) -> bool:
        return isinstance(answer, Number) and abs(self.value - answer.value) <= tolerance * max(1.0, abs(self.value))

    def to_json(self) -> float:
        return self.value

    @classmethod
    def from_json(cls, content: Any) -> Self:
        value = float(content)
        if isinstance(content, bool) or not abs(value) < float("inf"):
            raise ValueError(f"{value} is not a finite number")
        return cls(value)


@dataclass(frozen=True, slots=True)
class Spans(Answer):
    """Labelled spans of the input, in order of start."""

    kind: ClassVar = "spans"
    spans: tuple[Span, ...] = ()

    def __str__(self) -> str:
        return "; ".join(map(str, self.spans))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(span.label for span in self.spans)

    @property
    def mentions(self) -> tuple[Span, ...]:
        return self.spans

    def rename(self, name: Callable[[str], str]) -> Self:
        return replace(self, spans=tuple(replace(span, label=name(span.label)) for span in self.spans))

    def move(self, mentions: Sequence[Span]) -> Self:
        return replace(self, spans=tuple(mentions))

    def to_json(self) -> list[list[int | str]]:
        return [_dump_span(span) for span in self.spans]

    @classmethod
    def from_json(cls, content: Any) -> Self:
        return cls(tuple(sorted(map(_read_span, _check_list(content)), key=lambda span: (span.start, span.end))))


@dataclass(frozen=True, slots=True)
class Triples(Answer):
    """Relations between entities: the mentions, and triples (head, relation, tail) of their indices."""

    kind: ClassVar = "triples"
    entities: tuple[Span, ...] = ()
    triples: tuple[tuple[int, str, int], ...] = ()

    def __str__(self) -> str:
        ends = [f"{span.start}:{span.end}" for span in self.entities]
        return "; ".join(f"{ends[head]} {relation} {ends[tail]}" for head, relation, tail in self.triples)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(relation for _, relation, _ in self.triples)

    @property
    def mentions(self) -> tuple[Span, ...]:
        return self.entities

    def rename(self, name: Callable[[str], str]) -> Self:
        return replace(self, triples=tuple((head, name(relation), tail) for head, relation, tail in self.triples))

    def move(self, mentions: Sequence[Span]) -> Self:
        """Return the answer with moved entities; without triples if an entity is missing, since indices would shift."""
        is_complete = len(mentions) == len(self.entities)
        return replace(self, entities=tuple(mentions), triples=self.triples if is_complete else ())

    def restrict(self, labels: Collection[str]) -> Self:
        return replace(self, triples=tuple(triple for triple in self.triples if triple[1] in labels))

    def to_json(self) -> dict[str, Any]:
        return {"entities": [_dump_span(span) for span in self.entities], "triples": [list(t) for t in self.triples]}

    @classmethod
    def from_json(cls, content: Any) -> Self:
        entities = tuple(map(_read_span, _check_list(content["entities"])))
        triples = tuple(
            (int(head), _check_text(relation), int(tail)) for head, relation, tail in _check_list(content["triples"])
        )
        if any(not 0 <= end < len(entities) for head, _, tail in triples for end in (head, tail)):
            raise ValueError("a triple refers to an entity that is not listed")
        return cls(entities, triples)


@dataclass(frozen=True, slots=True)
class Text(Answer):
    """A text and its equally correct alternatives: reference translations, answers to a question."""

    kind: ClassVar = "text"
    text: str
    alternatives: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text, *self.alternatives)

    def reword(self, word: Callable[[str], str]) -> Self:
        return replace(self, text=word(self.text), alternatives=tuple(map(word, self.alternatives)))

    def to_json(self) -> list[str]:
        return list(self.texts)

    @classmethod
    def from_json(cls, content: Any) -> Self:
        first, *alternatives = [
            _check_text(text) for text in ([content] if isinstance(content, str) else _check_list(content))
        ]
        return cls(first, tuple(alternatives))


@dataclass(frozen=True, slots=True)
class Ranking(Answer):
    """Relevance grade of each candidate, in the input's order; larger grades rank higher."""

    kind: ClassVar = "ranking"
    grades: tuple[float, ...]

    def __str__(self) -> str:
        order = sorted(range(len(self.grades)), key=lambda i: -self.grades[i])
        return " > ".join(str(i + 1) for i in order)

    def to_json(self) -> list[float]:
        return list(self.grades)

    @classmethod
    def from_json(cls, content: Any) -> Self:
        return cls(tuple(Number.from_json(grade).value for grade in _check_list(content)))


SHAPES: dict[str, type[Answer]] = {
    shape.kind: shape for shape in (Label, Labels, Number, Spans, Triples, Text, Ranking)
}


def dump(answer: Answer | None) -> str:
    """Return an answer as JSON: ``{"label": "good"}``, ``{"spans": [[0, 5, "PER"]]}``; ``null`` for None."""
    return "null" if answer is None else json.dumps({answer.kind: answer.to_json()}, ensure_ascii=False)


def load(text: str) -> Answer:
    """Return the answer that ``dump`` wrote.

    Raises:
        DataError: the text cannot be parsed as an answer.
    """
    try:
        ((kind, content),) = json.loads(text).items()
        return SHAPES[kind].from_json(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            f"cannot parse the answer {text[:80]!r} ({error}); rebuild its file with `dvc repro`, or restore it"
        ) from None


def read_spans(value: Any) -> Spans:
    """Return spans written as ``[[start, end, label], …]`` or ``[{"start": …, "end": …, "label": …}, …]``.

    Raises:
        TypeError: the value has another form.
    """
    if not isinstance(value, list | tuple):
        raise TypeError(f"spans must be a list such as [[start, end, label], …], not a {type(value).__name__}")
    try:
        return Spans.from_json([(v["start"], v["end"], v["label"]) if isinstance(v, dict) else v for v in value])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise TypeError("each span must be [start, end, label], or an object with these keys") from None


def labels_of(answers: Iterable[Answer | None]) -> list[str]:
    """Return all labels of the answers, in alphabetical order."""
    return sorted({label for answer in answers if answer is not None for label in answer.labels})


def _read_span(triple: Any) -> Span:
    start, end, label = triple
    return Span(int(start), int(end), str(label))


def _dump_span(span: Span) -> list[int | str]:
    return [span.start, span.end, span.label]


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got a {type(value).__name__}")
    return value


def _check_list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, got a {type(value).__name__}")
    return value
