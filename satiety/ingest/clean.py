"""A row -> an example or a document, repaired and masked; or what the quarantine says of it.

All of a row that is ever shown is text of somebody's: its text, its labels, its place (a path of JSON keys), what a
reader says of it. Each is repaired first, masked then, and cut last: so neither `jane&#64;x.com` nor half of a number
is left.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from satiety.answers import Answer
from satiety.ingest.base import Limits, Row
from satiety.ingest.repair import repair
from satiety.ingest.sanitise import SanitisedExample, mask_salvaged, sanitise_example
from satiety.inputs import Inputs, Value, identify, text_of, texts_of
from satiety.masking import Kind, mask
from satiety.problems.base import Problem, scalar
from satiety.records import Document, Example, Rejected

KEPT_TEXT = 10_000
"""Characters of a refused text that the quarantine keeps."""
KEPT_NOTE = 500
"""Characters of a place or a detail that are kept."""
_SHORT_KEYS = re.compile(r"[^.@＠&]{0,12}(?:\.[^.@＠&]{0,12})*")
"""A place of such keys holds nothing that has dots in it: no address, written plainly or as an entity, and no token."""
LINE_DIGITS = 8
"""A place of at most so many digits is a line's number, and gives nobody away."""


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

    def __init__(
        self, problem: Problem | None, limits: Limits, hide: Collection[Kind], *, labelled: bool = True
    ) -> None:
        self.problem, self.limits, self.hide, self.labelled = problem, limits, frozenset(hide), labelled
        self.listed = {_named(label, frozenset())[0]: label for label in (problem.listed if problem else ())}
        """The user's own labels, by what they are once repaired: in params.yaml they stay as they are written."""

    def clean(self, name: str, row: Row) -> Cleaned:
        """Return what becomes of a row of the file ``name``."""
        try:
            return self._kept(name, row)
        except Refused as error:
            shown = self._shown("" if error.reason == "too_long" else row.text or self._told(row.values))
            detail = self._shown(str(error))[:KEPT_NOTE]
            text = shown[:KEPT_TEXT]
            return Cleaned(Rejected(identify({"text": text}), self._place(name, row), error.reason, detail, text=text))

    def _kept(self, name: str, row: Row) -> Cleaned:
        if row.reason:
            raise Refused(row.reason, row.detail)
        if _broken(row.place):
            raise Refused("text", "half of a surrogate pair in a key on the way to it")
        values = {column: _value(column, value) for column, value in row.values.items()}
        if self.problem is None:
            clean = self._sanitised(_inputs(values), None)
            document = Document(identify(clean.inputs), text_of(clean.inputs), source=self._place(name, row))
            return Cleaned(document, clean.repairs, frozenset(clean.masked))
        inputs, answer, renamed, hidden = self._read(self.problem, values)
        clean = self._sanitised(inputs, answer)
        group = _whole("group", str(values.get("group", "")))
        identity, place = identify(clean.inputs), self._place(name, row)
        record = Example(identity, clean.inputs, clean.answer, group=group, source=place)
        return Cleaned(record, clean.repairs + (("label",) if renamed else ()), frozenset((*hidden, *clean.masked)))

    def _read(self, problem: Problem, values: Mapping[str, Any]) -> tuple[Inputs, Answer | None, bool, set[Kind]]:
        """Return inputs and answer, its labels repaired and masked, and whether and what that took."""
        renamed, hidden = False, set[Kind]()

        def name(label: str) -> str:
            nonlocal renamed
            plain, repaired, kinds = self._label(_whole("the label", label))
            renamed |= repaired
            hidden.update(kinds)
            return plain

        try:
            inputs, answer = problem.read_inputs(values), None
            if self.labelled:
                answer = problem.parse(values[problem.gold]).rename(name)
                problem.check(inputs, answer)
            scalar("group", values.get("group", ""))
        except Refused:
            raise
        except (TypeError, ValueError) as error:
            raise Refused("type" if isinstance(error, TypeError) else "label", str(error)) from None
        return inputs, answer, renamed, hidden

    def _label(self, label: str) -> tuple[str, bool, tuple[Kind, ...]]:
        try:
            plain, repaired, _ = _named(label, frozenset())
            if plain in self.listed:
                return self.listed[plain], repaired, ()
            return _named(label, self.hide)
        except ValueError as error:
            raise Refused("label", f"{error} of the label") from None

    def _sanitised(self, inputs: Inputs, answer: Answer | None) -> SanitisedExample:
        if (length := sum(map(len, texts_of(inputs)))) > self.limits.row_bytes:
            raise Refused("too_long", f"{length:,} characters")
        try:
            clean = sanitise_example(inputs, answer, self.problem.marked if self.problem else "", self.hide)
        except ValueError as error:
            raise Refused("text", str(error)) from None
        if clean.lost:
            raise Refused(clean.lost[0].reason, clean.lost[0].detail)
        if not all(map(str.strip, texts_of(clean.inputs))):
            raise Refused("empty", "there is no text in it")
        return clean

    def _place(self, name: str, row: Row) -> str:
        if row.place.isdecimal() and len(row.place) <= LINE_DIGITS:
            return f"{name}:{row.place}"
        dotted = self.hide & {"email", "secret"}
        whole = row.place if _SHORT_KEYS.fullmatch(row.place) else mask_salvaged(row.place, dotted)
        return f"{name}:{'.'.join(_key(key, self.hide) for key in whole.split('.'))[:KEPT_NOTE]}"

    def _told(self, values: Mapping[str, Any]) -> str:
        """Return what can be shown of refused inputs: no list, which may be nested deeper than Python prints."""
        cells = [values.get(name) for name in (self.problem.inputs if self.problem else ("text",))]
        return "\n".join(str(cell) for cell in cells if isinstance(cell, str | int | float))

    def _shown(self, text: str) -> str:
        return mask_salvaged(text, self.hide)


def reject(record: Example | Document, reason: str, detail: str, twin: str | None = None) -> Rejected:
    """Return the quarantine's entry for a record that was read well."""
    return Rejected(record.id, record.source, reason, detail, twin, record.text[:KEPT_TEXT])


@lru_cache(maxsize=65_536)
def _key(key: str, hide: frozenset[Kind]) -> str:
    """Return one key of a place, masked: the rows of a JSON file have most of theirs in common."""
    return mask_salvaged(key, hide)


@lru_cache(maxsize=4096)
def _named(label: str, hide: frozenset[Kind]) -> tuple[str, bool, tuple[Kind, ...]]:
    """Return a label repaired and masked, whether it was repaired, and what was masked."""
    repaired, kinds = repair(label)
    masked, hidden = mask(repaired, hide)
    return masked.strip(), bool(kinds), hidden


def _value(name: str, value: Any) -> Any:
    """Return a cell as text, whatever the format calls its type, or a list as it is; nothing is guessed."""
    if isinstance(value, list | dict):
        return value
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        raise Refused("missing", f"{name} is NaN")
    if value is None:
        raise Refused("missing", f"{name} is null")
    if not isinstance(value, str | int | float):
        raise Refused("type", f"{name} is a {type(value).__name__}, not text")
    return str(value)


def _inputs(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return the inputs of a raw text."""
    if not isinstance(values["text"], str):
        raise Refused("type", f"text is a {type(values['text']).__name__}, not text")
    return {"text": values["text"]}


def _whole(what: str, text: str) -> str:
    if _broken(text):
        raise Refused("text", f"half of a surrogate pair in {what}")
    return text


def _broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
