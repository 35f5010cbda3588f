"""What an answer can be: one frozen class per shape, and one codec, `dump` and `load`, that writes it as JSON.

Only problems and heads ask which shape an answer has. Everybody else uses what all of them have: the labels named in
it, the mentions (stretches of the input) it points to, and the free text in it. So labels can be renamed, mentions
moved and texts masked without knowing the problem.

Everything here is plain data, hashable. Offsets are in characters (Unicode code points), half-open.
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
    """A labelled stretch of a text: characters ``start`` to ``end``, half-open."""

    start: int
    end: int
    label: str

    @property
    def offsets(self) -> str:
        """Where it stands, as ``start:end``."""
        return f"{self.start}:{self.end}"

    def __str__(self) -> str:
        return f"{self.offsets} {self.label}"


class Answer(ABC):
    """What all answers have in common; a shape without labels, mentions or texts keeps these defaults."""

    __slots__ = ()
    kind: ClassVar[str]
    """The tag under which the codec writes it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels named in it, in order; a label may be named twice."""
        return ()

    @property
    def mentions(self) -> tuple[Span, ...]:
        """The stretches of the input that it points to, in order of start."""
        return ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The free texts in it: what personal data may stand in."""
        return ()

    def rename(self, name: Callable[[str], str]) -> Self:
        """Return it with other names for its labels."""
        return self

    def move(self, mentions: Sequence[Span]) -> Self:
        """Return it with its mentions at other places, or with some of them only."""
        return self

    def reword(self, word: Callable[[str], str]) -> Self:
        """Return it with other texts."""
        return self

    def is_close(self, answer: Answer, tolerance: float) -> bool:
        """Return whether another answer is the same; numbers may differ by a share of their size, or of one."""
        return self == answer

    def restrict(self, labels: Collection[str]) -> Self:
        """Return it without mentions of other labels."""
        return self.move([mention for mention in self.mentions if mention.label in labels])

    @abstractmethod
    def to_json(self) -> Any:
        """Return it as JSON holds it, without its tag."""

    @classmethod
    @abstractmethod
    def from_json(cls, content: Any) -> Self:
        """Return the answer that ``content`` described; raise ValueError or TypeError where it is none."""


@dataclass(frozen=True, slots=True)
class Label(Answer):
    """One label out of a set."""

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
    """Any number of labels out of a set, in alphabetical order; none is an answer too."""

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
    """A finite number: a rating, a similarity."""

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
    """Labelled stretches of the input, in order of start."""

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
    """Relations between entities: which mentions there are, and triples (head, relation, tail) of their indices."""

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
        """Return it with its entities elsewhere; where some are gone, no index would be right, so no triple stays."""
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
            raise ValueError("a triple names an entity that is not listed")
        return cls(entities, triples)


@dataclass(frozen=True, slots=True)
class Text(Answer):
    """A text, and others that are as right: a translation and its references, the answers to a question."""

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
    """How relevant each candidate of the input is, in the input's order: the larger, the nearer to the top."""

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
    """Return an answer as JSON: ``{"label": "good"}``, ``{"spans": [[0, 5, "PER"]]}``; ``null`` where there is none."""
    return "null" if answer is None else json.dumps({answer.kind: answer.to_json()}, ensure_ascii=False)


def load(text: str) -> Answer:
    """Return the answer that ``dump`` wrote.

    Raises:
        DataError: it is no answer.
    """
    try:
        ((kind, content),) = json.loads(text).items()
        return SHAPES[kind].from_json(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{text[:80]!r} is not an answer ({error}); make its file anew, or restore it") from None


def read_spans(value: Any) -> Spans:
    """Return spans written as ``[[start, end, label], …]`` or ``[{"start": …, "end": …, "label": …}, …]``.

    Raises:
        TypeError: they are written otherwise.
    """
    if not isinstance(value, list | tuple):
        raise TypeError(f"spans is a {type(value).__name__}, not a list; write [[start, end, label], …]")
    try:
        return Spans.from_json([(v["start"], v["end"], v["label"]) if isinstance(v, dict) else v for v in value])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise TypeError("spans are [start, end, label], or objects with these keys") from None


def labels_of(answers: Iterable[Answer | None]) -> list[str]:
    """Return every label that some answer names, in alphabetical order."""
    return sorted({label for answer in answers if answer is not None for label in answer.labels})


def _read_span(triple: Any) -> Span:
    start, end, label = triple
    return Span(int(start), int(end), str(label))


def _dump_span(span: Span) -> list[int | str]:
    return [span.start, span.end, span.label]


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} stands where a text should")
    return value


def _check_list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"a {type(value).__name__} stands where a list should")
    return value
