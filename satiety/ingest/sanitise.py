"""Repair texts and examples, then mask personal data and secrets; required for every text that is stored.

Order matters: ``jane&#64;x.com`` becomes an address by the repair.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

from satiety.core.answers import Answer, Span
from satiety.core.inputs import Inputs, Value
from satiety.text.masking import Kind, mask, mask_spans
from satiety.text.repair import repair, repair_spans, salvage

T = TypeVar("T", str, Kind)
MovedText = tuple[str, tuple[Span, ...], tuple[T, ...]]
"""A text, its shifted spans, and the changes made."""


@dataclass(frozen=True, slots=True)
class LostSpan:
    """A span that could not be shifted with its text."""

    reason: Literal["text", "personal"]
    """Cause: the repair (``text``) or the masking (``personal``)."""
    detail: str


@dataclass(frozen=True, slots=True)
class SanitisedText:
    """A text that is safe to store and show."""

    text: str
    spans: tuple[Span, ...]
    """Shifted spans, without the lost ones; offsets refer to ``text``."""
    repairs: tuple[str, ...]
    """Kinds of repairs."""
    masked: tuple[Kind, ...]
    """Kinds of masked data."""
    lost_spans: tuple[LostSpan, ...]


def sanitise(text: str, spans: Sequence[Span], hide: Collection[Kind]) -> SanitisedText:
    """Repair a text, then mask it; shift its spans and drop those that cannot be shifted.

    Raises:
        ValueError: the text cannot be repaired, as in ``repair``.
    """
    (repaired, aligned, repairs), repair_losses = _move_spans(spans, partial(_repair_text, text), "text")
    (masked, aligned, kinds), mask_losses = _move_spans(
        aligned, lambda subset: mask_spans(repaired, subset, hide), "personal"
    )
    return SanitisedText(masked, aligned, repairs, kinds, (*repair_losses, *mask_losses))


@dataclass(frozen=True, slots=True)
class SanitisedExample:
    """An example that is safe to store and show."""

    inputs: dict[str, Value]
    answer: Answer | None
    """The answer with shifted spans, without the lost ones."""
    repairs: tuple[str, ...]
    masked: tuple[Kind, ...]
    lost_spans: tuple[LostSpan, ...]


def sanitise_example(inputs: Inputs, answer: Answer | None, marked: str, hide: Collection[Kind]) -> SanitisedExample:
    """Repair and mask all texts of the inputs and the answer; shift the spans that refer to the input ``marked``.

    Raises:
        ValueError: a text cannot be repaired, as in ``repair``.
    """
    sanitised: list[SanitisedText] = []
    listed = (value for value in inputs.values() if not isinstance(value, str))
    pointers = [part for value in listed for part in value if isinstance(part, Span)]
    pointers += answer.mentions if answer else ()
    anchors = [Span(start, end, f"{start}:{end}") for start, end in sorted({(s.start, s.end) for s in pointers})]

    def clean(text: str, spans: Sequence[Span] = ()) -> str:
        sanitised.append(sanitise(text, spans, hide))
        return sanitised[-1].text if spans else sanitised[-1].text.strip()

    def clean_value(name: str, value: Value) -> Value:
        if isinstance(value, str):
            return clean(value, anchors if name == marked else ())
        return tuple(clean(part) if isinstance(part, str) else part for part in value)  # type: ignore[return-value]

    def relocate(spans: Iterable[Any]) -> list[Any]:
        places = {anchor.label: anchor for cleaned_text in sanitised for anchor in cleaned_text.spans}
        matches = [(span, places.get(f"{span.start}:{span.end}")) for span in spans]
        return [replace(span, start=place.start, end=place.end) for span, place in matches if place]

    cleaned = {name: clean_value(name, value) for name, value in inputs.items()}
    for name, value in cleaned.items():
        if not isinstance(value, str) and any(isinstance(part, Span) for part in value):
            cleaned[name] = tuple(relocate(value))
    if answer is not None:
        answer = answer.move(relocate(answer.mentions)).reword(clean)
    return SanitisedExample(
        cleaned,
        answer,
        tuple(dict.fromkeys(repair for cleaned_text in sanitised for repair in cleaned_text.repairs)),
        tuple(dict.fromkeys(kind for cleaned_text in sanitised for kind in cleaned_text.masked)),
        tuple(loss for cleaned_text in sanitised for loss in cleaned_text.lost_spans),
    )


def mask_salvaged(text: str, hide: Collection[Kind]) -> str:
    """Return any text (a note, a key, a rejected text) repaired as far as possible, then masked."""
    return mask(salvage(text), hide)[0]


def _repair_text(text: str, spans: Sequence[Span]) -> MovedText[str]:
    if spans:
        return repair_spans(text, spans)
    repaired, repairs = repair(text)
    return repaired, (), repairs


def _move_spans(
    spans: Sequence[Span], move: Callable[[Sequence[Span]], MovedText[T]], reason: Literal["text", "personal"]
) -> tuple[MovedText[T], list[LostSpan]]:
    """Change a text and shift its spans; on failure drop the spans that fail on their own, otherwise all spans."""
    remaining, losses = list(spans), list[LostSpan]()
    while True:
        try:
            return move(remaining), losses
        except ValueError as error:
            if not remaining:
                raise
            culprits = [span for span in remaining if _fails(move, span)] or remaining
            losses += [LostSpan(reason, str(error))] * len(culprits)
            remaining = [span for span in remaining if span not in culprits]


def _fails(move: Callable[[Sequence[Span]], Any], span: Span) -> bool:
    try:
        move((span,))
    except ValueError:
        return True
    return False
