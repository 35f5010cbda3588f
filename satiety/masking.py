"""A text -> the same without personal data: e-mail addresses, telephone, identity-card and bank-card numbers.

What looks like a number of a kind is masked only where the kind's own rule holds: the check digit of a Chinese identity
card (GB 11643-1999), the ranges of a US social security number, Luhn's sum of a bank card (ISO/IEC 7812-1), the
numbering plans of China and the United States. English and Chinese alike.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from satiety.records import Span

Kind = Literal["email", "id_card", "bank_card", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
REGIONS = ("CN", "US")
"""Whose numbering plans a number without a country code is read by."""
_EMAIL = re.compile(r"[a-z0-9][\w.+-]{0,63}[@＠][a-z0-9-]{1,63}(?:[.．][a-z0-9-]{1,63})+", re.ASCII | re.IGNORECASE)
_ID_CARD = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXxＸｘ]|\d{3}-\d{2}-\d{4})(?![0-9A-Za-z])")
_BANK_CARD = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,3}\d){6}")
"""No text without so many digits close together holds a telephone number: spares most texts the search."""
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\+?\(?\d(?:[ ().-]{0,2}\d){6,14}(?![0-9A-Za-z])")
"""What may be a telephone number, by its looks."""
DIGITS = 20_000
"""A text of more digits would take seconds to look through by numbering plans: there, looks alone decide."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where somebody is given away, and by what: characters ``start`` to ``end``, half-open."""

    start: int
    end: int
    kind: Kind


def mask(text: str, kinds: Collection[Kind]) -> tuple[str, tuple[Kind, ...]]:
    """Return the text with ``<email>``, ``<phone>``, … for what gives somebody away, and which kinds that were."""
    found = tuple(_found(text, kinds))
    ends = [0, *(hit.end for hit in found)]
    parts = [f"{text[end : hit.start]}<{hit.kind}>" for end, hit in zip(ends, found, strict=False)]
    return "".join([*parts, text[ends[-1] :]]), tuple(dict.fromkeys(hit.kind for hit in found))


def mask_spans(
    text: str, spans: Sequence[Span], kinds: Collection[Kind]
) -> tuple[str, tuple[Span, ...], tuple[Kind, ...]]:
    """Mask a text, and move its spans along.

    Raises:
        ValueError: personal data begins inside a span and ends outside of it, or the other way round.
    """
    found = tuple(_found(text, kinds))
    ends = [hit.end for hit in found]
    for span in spans:
        _check_whole(span, found, bisect_right(ends, span.start))
    shifts = [0, *accumulate(len(hit.kind) + 2 - (hit.end - hit.start) for hit in found)]

    def moved(place: int) -> int:
        return place + shifts[bisect_right(ends, place)]

    masked, names = mask(text, kinds)
    return masked, tuple(Span(moved(s.start), moved(s.end), s.label) for s in spans), names


def _check_whole(span: Span, found: Sequence[Hit], first: int) -> None:
    """Raise ValueError where a hit, from the ``first`` on that ends behind the span's start, is cut by the span."""
    for index in range(first, len(found)):
        hit = found[index]
        if hit.start >= span.end:
            return
        if not (span.start <= hit.start and hit.end <= span.end):
            raise ValueError(f"the span {span.start}–{span.end} cuts {hit.kind} data at {hit.start}–{hit.end}")


def _found(text: str, kinds: Collection[Kind]) -> list[Hit]:
    """Return what gives somebody away, from left to right; of two that overlap, the kind that comes first."""
    taken: list[Hit] = []
    covered = bytearray(len(text))
    for kind, finder in _FINDERS.items():
        if kind in kinds:
            found = [hit for hit in finder(text) if covered.find(1, hit.start, hit.end) < 0]
            for hit in found:
                covered[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            taken += found
    return sorted(taken, key=lambda hit: hit.start)


def _emails(text: str) -> Iterator[Hit]:
    if "@" in text or "＠" in text:
        yield from (Hit(*match.span(), "email") for match in _EMAIL.finditer(text))


def _id_cards(text: str) -> Iterator[Hit]:
    from stdnum.cn import ric
    from stdnum.us import ssn

    for match in _ID_CARD.finditer(text):
        number = _plain(match.group())
        if (ssn if "-" in number else ric).is_valid(number.upper()):
            yield Hit(*match.span(), "id_card")


def _bank_cards(text: str) -> Iterator[Hit]:
    from stdnum import luhn

    for match in _BANK_CARD.finditer(text):
        number = re.sub(r"\D", "", _plain(match.group()))
        if number[0] in "3456" and len(set(number)) > 1 and luhn.is_valid(number):
            yield Hit(*match.span(), "bank_card")


def _phones(text: str) -> Iterator[Hit]:
    if not _SEVEN_DIGITS.search(text):
        return
    if len(text) > DIGITS and sum(map(str.isdecimal, text)) > DIGITS:
        yield from (Hit(*match.span(), "phone") for match in _NUMBER.finditer(text))
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    found = {(hit.start, hit.end) for region in REGIONS for hit in PhoneNumberMatcher(text, region, Leniency.VALID)}
    ends = 0
    for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
        if start >= ends:
            ends = end
            yield Hit(start, end, "phone")


def _plain(text: str) -> str:
    """Return full-width digits and signs as plain ones; no character more or less."""
    return unicodedata.normalize("NFKC", text)


_FINDERS: dict[Kind, Callable[[str], Iterator[Hit]]] = {
    "email": _emails,
    "id_card": _id_cards,
    "bank_card": _bank_cards,
    "phone": _phones,
}
"""In this order: a card number may hold what looks like a telephone number."""
