"""A text or an example -> the same repaired, and personal data and secrets masked; for all that is kept of texts.

In this order, for ``jane&#64;x.com`` is an address only once it is repaired.
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
"""A text, its spans, and what was done to it."""


@dataclass(frozen=True, slots=True)
class LostSpan:
    """A span that could not move with its text."""

    reason: Literal["text", "personal"]
    """Whether the repair or the masking cut it."""
    detail: str


@dataclass(frozen=True, slots=True)
class SanitisedText:
    """A text as it may be kept and shown."""

    text: str
    spans: tuple[Span, ...]
    """Those that could move with the text, in its characters."""
    repairs: tuple[str, ...]
    """What was repaired."""
    masked: tuple[Kind, ...]
    """What was masked."""
    lost_spans: tuple[LostSpan, ...]


def sanitise(text: str, spans: Sequence[Span], hide: Collection[Kind]) -> SanitisedText:
    """Repair a text, then mask it; move its spans along, and give up those that cannot.

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
    """An example as it may be kept and shown."""

    inputs: dict[str, Value]
    answer: Answer | None
    """It points to the same stretches as before, but for those that were lost."""
    repairs: tuple[str, ...]
    masked: tuple[Kind, ...]
    lost_spans: tuple[LostSpan, ...]


def sanitise_example(inputs: Inputs, answer: Answer | None, marked: str, hide: Collection[Kind]) -> SanitisedExample:
    """Repair and mask every text of the inputs and of the answer; what points into the input ``marked`` moves along.

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

    def follow(spans: Iterable[Any]) -> list[Any]:
        places = {anchor.label: anchor for cleaned_text in sanitised for anchor in cleaned_text.spans}
        matches = [(span, places.get(f"{span.start}:{span.end}")) for span in spans]
        return [replace(span, start=place.start, end=place.end) for span, place in matches if place]

    cleaned = {name: clean_value(name, value) for name, value in inputs.items()}
    for name, value in cleaned.items():
        if not isinstance(value, str) and any(isinstance(part, Span) for part in value):
            cleaned[name] = tuple(follow(value))
    if answer is not None:
        answer = answer.move(follow(answer.mentions)).reword(clean)
    return SanitisedExample(
        cleaned,
        answer,
        tuple(dict.fromkeys(repair for cleaned_text in sanitised for repair in cleaned_text.repairs)),
        tuple(dict.fromkeys(kind for cleaned_text in sanitised for kind in cleaned_text.masked)),
        tuple(loss for cleaned_text in sanitised for loss in cleaned_text.lost_spans),
    )


def mask_salvaged(text: str, hide: Collection[Kind]) -> str:
    """Return a text of any kind, repaired as far as can be, then masked: a note, a key, a text that is refused."""
    return mask(salvage(text), hide)[0]


def _repair_text(text: str, spans: Sequence[Span]) -> MovedText[str]:
    if spans:
        return repair_spans(text, spans)
    repaired, repairs = repair(text)
    return repaired, (), repairs


def _move_spans(
    spans: Sequence[Span], move: Callable[[Sequence[Span]], MovedText[T]], reason: Literal["text", "personal"]
) -> tuple[MovedText[T], list[LostSpan]]:
    """Move a text with its spans; where that fails, without those that cannot move alone, or else without any."""
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
