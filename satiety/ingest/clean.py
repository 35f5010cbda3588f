"""A row -> an example or a document, repaired and masked; or what the quarantine says of it.

All of a row that is ever shown is text of somebody's: its text, its labels, its place (a path of JSON keys), what a
reader says of it. Each is repaired first, masked then, and cut last: so neither `jane&#64;x.com` nor half of a number
is left.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from satiety.ingest.base import Limits, Row
from satiety.ingest.repair import repair, repair_spans, salvage
from satiety.masking import Kind, mask, mask_spans
from satiety.neardup import normalise
from satiety.problems.base import Problem
from satiety.records import Document, Example, Rejected, Span

KEPT_TEXT = 10_000
"""Characters of a refused text that the quarantine keeps."""
KEPT_NOTE = 500
"""Characters of a place or a detail that are kept."""
_ADDRESS = frozenset("@＠&")
"""Without any of these a place holds no e-mail address, written plainly or as an HTML entity."""
LINE_DIGITS = 8
"""A place of at most so many digits is a line's number, and gives nobody away."""
Value = str | list[tuple[int, int, str]]


class Refused(ValueError):
    """A row that is not taken: one word why, and the details."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a row."""

    record: Example | Document | Rejected
    repairs: tuple[str, ...] = ()
    """What was repaired in it."""
    masked: frozenset[Kind] = frozenset()
    """What was masked in it."""


class Cleaner:
    """Makes records of rows: examples where there is a problem, else documents."""

    def __init__(self, problem: Problem | None, limits: Limits, hide: Collection[Kind]) -> None:
        self.problem, self.limits, self.hide = problem, limits, frozenset(hide)
        self.listed = {_named(label, frozenset())[0]: label for label in (problem.listed if problem else ())}
        """The user's own labels, by what they are once repaired: in params.yaml they stay as they are written."""

    def clean(self, name: str, row: Row) -> Cleaned:
        """Return what becomes of a row of the file ``name``."""
        try:
            return self._kept(name, row)
        except Refused as error:
            shown = self._shown("" if error.reason == "too_long" else row.text or str(_scalar(row.values.get("text"))))
            detail = self._shown(str(error))[:KEPT_NOTE]
            text = shown[:KEPT_TEXT]
            return Cleaned(Rejected(identify(text), self._place(name, row), error.reason, detail, text=text))

    def _kept(self, name: str, row: Row) -> Cleaned:
        if row.reason:
            raise Refused(row.reason, row.detail)
        if _broken(row.place):
            raise Refused("text", "half of a surrogate pair in a key on the way to it")
        values = {column: _value(column, value) for column, value in row.values.items()}
        renamed, hidden = self._name(values)
        text, label, spans = self._answer(values)
        if len(text) > self.limits.row_bytes:
            raise Refused("too_long", f"{len(text):,} characters")
        text, spans, kinds = _repaired(text, spans)
        text, spans, found = _masked(text, spans, self.hide)
        identity, place = identify(text), self._place(name, row)
        record: Example | Document = Document(id=identity, text=text, source=place)
        if self.problem is not None:
            group = str(values.get("group", ""))
            record = Example(identity, text, label, spans, group=group, source=place)
        return Cleaned(record, kinds + (("label",) if renamed else ()), frozenset((*hidden, *found)))

    def _name(self, values: dict[str, Value]) -> tuple[bool, set[Kind]]:
        """Put repaired and masked labels in the place of those in ``values``; return whether and what that took."""
        renamed, hidden = False, set[Kind]()

        def name(label: str) -> str:
            nonlocal renamed
            own, repaired, kinds = self._label(label)
            renamed |= repaired
            hidden.update(kinds)
            return own

        if isinstance(spans := values.get("spans"), list):
            values["spans"] = [(start, end, name(label)) for start, end, label in spans]
        if isinstance(label := values.get("label"), str):
            values["label"] = name(label)
        return renamed, hidden

    def _label(self, label: str) -> tuple[str, bool, tuple[Kind, ...]]:
        try:
            plain, repaired, _ = _named(label, frozenset())
            if plain in self.listed:
                return self.listed[plain], repaired, ()
            return _named(label, self.hide)
        except ValueError as error:
            raise Refused("label", f"{error} of the label") from None

    def _answer(self, values: Mapping[str, Value]) -> tuple[str, str | None, tuple[Span, ...]]:
        if self.problem is None:
            return str(values["text"]), None, ()
        try:
            return self.problem.read(values)
        except ValueError as error:
            raise Refused("label", str(error)) from None

    def _place(self, name: str, row: Row) -> str:
        if row.place.isdecimal() and len(row.place) <= LINE_DIGITS:
            return f"{name}:{row.place}"
        whole = row.place if _ADDRESS.isdisjoint(row.place) else self._shown(row.place)  # an address holds dots
        return f"{name}:{'.'.join(_key(key, self.hide) for key in whole.split('.'))[:KEPT_NOTE]}"

    def _shown(self, text: str) -> str:
        return mask(salvage(text), self.hide)[0]


def identify(text: str) -> str:
    """Return a text's id: the same wherever and in whatever order it is read."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def reject(record: Example | Document, reason: str, detail: str, twin: str | None = None) -> Rejected:
    """Return the quarantine's entry for a record that was read well."""
    return Rejected(record.id, record.source, reason, detail, twin, record.text[:KEPT_TEXT])


@lru_cache(maxsize=65_536)
def _key(key: str, hide: frozenset[Kind]) -> str:
    """Return one key of a place, masked: the rows of a JSON file have most of theirs in common."""
    return mask(salvage(key), hide)[0]


@lru_cache(maxsize=4096)
def _named(label: str, hide: frozenset[Kind]) -> tuple[str, bool, tuple[Kind, ...]]:
    """Return a label repaired and masked, whether it was repaired, and what was masked."""
    repaired, kinds = repair(label)
    masked, hidden = mask(repaired, hide)
    return masked.strip(), bool(kinds), hidden


def _repaired(text: str, spans: tuple[Span, ...]) -> tuple[str, tuple[Span, ...], tuple[str, ...]]:
    try:
        if spans:
            return repair_spans(text, spans)
        repaired, kinds = repair(text)
    except ValueError as error:
        raise Refused("text", str(error)) from None
    if not repaired.strip():
        raise Refused("empty", "there is no text in it")
    return repaired.strip(), (), kinds


def _masked(
    text: str, spans: tuple[Span, ...], hide: Collection[Kind]
) -> tuple[str, tuple[Span, ...], tuple[Kind, ...]]:
    try:
        return mask_spans(text, spans, hide)
    except ValueError as error:
        raise Refused("personal", str(error)) from None


def _value(name: str, value: Any) -> Value:
    """Return a cell as text, whatever the format calls its type, or as spans; nothing is guessed."""
    if name == "spans":
        return _span_list(value)
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        raise Refused("missing", f"{name} is NaN")
    if value is None:
        raise Refused("missing", f"{name} is null")
    if not isinstance(value, str | int | float):
        raise Refused("type", f"{name} is a {type(value).__name__}, not text")
    text = str(value)
    if name != "text" and _broken(text):
        raise Refused("text", f"half of a surrogate pair in {name}")
    return text


def _span_list(value: Any) -> list[tuple[int, int, str]]:
    """Return spans written as ``[start, end, label]`` or ``{"start": …, "end": …, "label": …}``."""
    if not isinstance(value, list):
        raise Refused("type", f"spans is a {type(value).__name__}, not a list")
    try:
        parts = [(v["start"], v["end"], v["label"]) if isinstance(v, Mapping) else tuple(v) for v in value]
        spans = [(int(start), int(end), str(label)) for start, end, label in parts]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Refused("type", "spans are [start, end, label], or objects with these keys") from None
    if any(_broken(label) for _, _, label in spans):
        raise Refused("text", "half of a surrogate pair in the label of a span")
    return spans


def _broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _scalar(value: Any) -> str | int | float:
    """Return what can be shown of a text: no list, which may be nested deeper than Python prints."""
    return value if isinstance(value, str | int | float) else ""
