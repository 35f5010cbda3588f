"""Turn a row into a repaired and masked example or document, or into a rejection.

A row's text, labels, location (a path of JSON keys) and error message may all contain personal data. Each is repaired,
then masked, then truncated, so that neither `jane&#64;x.com` nor half of a number remains.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from satiety.core.answers import Answer
from satiety.core.inputs import Inputs, content_id, text_of, texts_of
from satiety.core.records import Document, Example, Rejection
from satiety.ingest.base import Limits, Row
from satiety.ingest.sanitise import SanitisedExample, mask_salvaged, sanitise_example
from satiety.problems.base import Problem, scalar
from satiety.text.masking import Kind, mask
from satiety.text.repair import repair

KEPT_TEXT = 10_000
"""Most characters of a rejected text in the quarantine."""
KEPT_NOTE = 500
"""Most characters of a location or a detail in the quarantine."""
_SHORT_KEYS = re.compile(r"[^.@＠&]{0,12}(?:\.[^.@＠&]{0,12})*")
"""Paths of short keys without @ and &: they contain no email address and no token, so dots can separate keys."""
_COUNTERS = re.compile(r"(?:\.\d{1,4})+\Z")
"""Indices of lists at the end of a path, too short to be personal data."""
LINE_DIGITS = 8
"""Most digits of a line number; longer numbers are masked like other texts."""


class RowError(ValueError):
    """A row was rejected: a reason in one word, and the details."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CleanedRow:
    """Result of cleaning one row."""

    record: Example | Document | Rejection
    repairs: tuple[str, ...] = ()
    """Kinds of repairs."""
    masked: frozenset[Kind] = frozenset()
    """Kinds of masked data."""


class Cleaner:
    """Turns rows into examples if given a problem, otherwise into documents."""

    def __init__(
        self, problem: Problem | None, limits: Limits, hide: Collection[Kind], *, labelled: bool = True
    ) -> None:
        self.problem, self.limits, self.hide, self.labelled = problem, limits, frozenset(hide), labelled
        self.listed = {
            _sanitise_label(label, frozenset())[0]: label for label in (problem.label_set if problem else ())
        }
        """Repaired label -> label as written in params.yaml; these labels are not masked."""

    def clean(self, name: str, row: Row) -> CleanedRow:
        """Clean a row of the file ``name``."""
        try:
            return self._clean_row(name, row)
        except RowError as error:
            excerpt = "" if error.reason == "too_long" else row.text or self._format_inputs(row.values)
            detail = mask_salvaged(str(error), self.hide)[:KEPT_NOTE]
            text = mask_salvaged(excerpt, self.hide)[:KEPT_TEXT]
            return CleanedRow(
                Rejection(content_id({"text": text}), self._locate(name, row), error.reason, detail, text=text)
            )

    def _clean_row(self, name: str, row: Row) -> CleanedRow:
        if row.reason:
            raise RowError(row.reason, row.detail)
        if _has_surrogate(row.place):
            raise RowError("text", "incomplete surrogate pair in a key of its path")
        values = {column: _convert_value(column, value) for column, value in row.values.items()}
        if self.problem is None:
            if not isinstance(text := values["text"], str):
                raise RowError("type", f"`text` must be text, not {type(text).__name__}")
            clean = self._sanitise({"text": text}, None)
            document = Document(content_id(clean.inputs), text_of(clean.inputs), source=self._locate(name, row))
            return CleanedRow(document, clean.repairs, frozenset(clean.masked))
        inputs, answer, renamed, hidden = self._parse_values(self.problem, values)
        clean = self._sanitise(inputs, answer)
        group = _require_unicode("group", str(values.get("group", "")))
        identity, place = content_id(clean.inputs), self._locate(name, row)
        record = Example(identity, clean.inputs, clean.answer, group=group, source=place)
        return CleanedRow(record, clean.repairs + (("label",) if renamed else ()), frozenset((*hidden, *clean.masked)))

    def _parse_values(
        self, problem: Problem, values: Mapping[str, Any]
    ) -> tuple[Inputs, Answer | None, bool, set[Kind]]:
        """Return the inputs, the answer with clean labels, whether a label was repaired, and what was masked."""
        renamed, hidden = False, set[Kind]()

        def rename_label(label: str) -> str:
            nonlocal renamed
            clean_label, repaired, kinds = self._clean_label(_require_unicode("the label", label))
            renamed |= repaired
            hidden.update(kinds)
            return clean_label

        try:
            inputs, answer = problem.read_inputs(values), None
            if self.labelled:
                answer = problem.parse(values[problem.gold]).rename(rename_label)
                problem.check(inputs, answer)
            scalar("group", values.get("group", ""))
        except RowError:
            raise
        except (TypeError, ValueError) as error:
            raise RowError("type" if isinstance(error, TypeError) else "label", str(error)) from None
        return inputs, answer, renamed, hidden

    def _clean_label(self, label: str) -> tuple[str, bool, tuple[Kind, ...]]:
        try:
            repaired_label, repaired, _ = _sanitise_label(label, frozenset())
            if repaired_label in self.listed:
                return self.listed[repaired_label], repaired, ()
            return _sanitise_label(label, self.hide)
        except ValueError as error:
            raise RowError("label", f"in the label: {error}") from None

    def _sanitise(self, inputs: Inputs, answer: Answer | None) -> SanitisedExample:
        if (length := sum(map(len, texts_of(inputs)))) > self.limits.row_bytes:
            raise RowError(
                "too_long", f"{length:,} characters, above ingest.limits.row_bytes: {self.limits.row_bytes:,}"
            )
        try:
            clean = sanitise_example(inputs, answer, self.problem.span_input if self.problem else "", self.hide)
        except ValueError as error:
            raise RowError("text", str(error)) from None
        if clean.lost_spans:
            raise RowError(clean.lost_spans[0].reason, clean.lost_spans[0].detail)
        if not all(map(str.strip, texts_of(clean.inputs))):
            raise RowError("empty", "the text is empty")
        return clean

    def _locate(self, name: str, row: Row) -> str:
        if row.place.isdecimal() and len(row.place) <= LINE_DIGITS:
            return f"{name}:{row.place}"
        counters = _COUNTERS.search(row.place)
        end = counters.start() if counters else len(row.place)
        return f"{name}:{(_mask_path(row.place[:end], self.hide) + row.place[end:])[:KEPT_NOTE]}"

    def _format_inputs(self, values: Mapping[str, Any]) -> str:
        """Return the scalar values of rejected inputs; lists may be nested too deeply to print."""
        cells = [values.get(name) for name in (self.problem.inputs if self.problem else ("text",))]
        return "\n".join(str(cell) for cell in cells if isinstance(cell, str | int | float))


def reject(record: Example | Document, reason: str, detail: str, twin: str | None = None) -> Rejection:
    """Return the quarantine entry of a readable record."""
    return Rejection(record.id, record.source, reason, detail, twin, record.text[:KEPT_TEXT])


@lru_cache(maxsize=4096)
def _mask_path(path: str, hide: frozenset[Kind]) -> str:
    """Return a path with masked keys; cached, as the rows of a list share it."""
    if not _SHORT_KEYS.fullmatch(path):
        path = mask_salvaged(path, hide & {"email", "secret"})
    return ".".join(_mask_key(key, hide) for key in path.split("."))


@lru_cache(maxsize=65_536)
def _mask_key(key: str, hide: frozenset[Kind]) -> str:
    """Return a masked key of a path; cached, as the rows of a JSON file share most keys."""
    return mask_salvaged(key, hide)


@lru_cache(maxsize=4096)
def _sanitise_label(label: str, hide: frozenset[Kind]) -> tuple[str, bool, tuple[Kind, ...]]:
    """Return the repaired and masked label, whether it was repaired, and the kinds masked."""
    repaired, kinds = repair(label)
    masked, hidden = mask(repaired, hide)
    return masked.strip(), bool(kinds), hidden


def _convert_value(name: str, value: Any) -> Any:
    """Return a scalar cell as text, and a list or mapping unchanged."""
    if isinstance(value, list | dict):
        return value
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        raise RowError("missing", f"{name} is NaN")
    if value is None:
        raise RowError("missing", f"{name} is null")
    if not isinstance(value, str | int | float):
        raise RowError("type", f"{name} must be text, not {type(value).__name__}")
    return str(value)


def _require_unicode(field: str, text: str) -> str:
    if _has_surrogate(text):
        raise RowError("text", f"incomplete surrogate pair in {field}")
    return text


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
