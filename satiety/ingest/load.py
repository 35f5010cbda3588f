"""Sources -> repaired examples and documents, and every row that was refused."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satiety.assets import data_files
from satiety.errors import DataError
from satiety.ingest import Labelled, Source
from satiety.ingest.base import Limits, Row
from satiety.ingest.repair import repair, repair_spans
from satiety.masking import Kind, mask, mask_spans
from satiety.neardup import normalise
from satiety.problems.base import Problem
from satiety.progress import track
from satiety.records import Document, Example, Rejected, Span, Split

KEPT_TEXT = 10_000
"""Characters of a refused text that the quarantine keeps."""
Value = str | list[tuple[int, int, str]]


class Refused(ValueError):
    """A row that is not taken: one word why, and the details."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class Loaded:
    """All that the sources gave."""

    examples: list[Example] = field(default_factory=list)
    bound: dict[str, Split] = field(default_factory=dict)
    """Source place -> the split its source is for, where it is for one."""
    documents: list[Document] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    """Texts that were repaired, by kind of repair."""
    masked: Counter[str] = field(default_factory=Counter)
    """Texts in which personal data was masked, by its kind."""

    @property
    def read(self) -> int:
        """How many rows were read."""
        return len(self.examples) + len(self.documents) + len(self.rejected)


def load(
    labelled: Sequence[Labelled],
    corpus: Sequence[Source],
    problem: Problem,
    limits: Limits,
    hide: Collection[Kind],
    raw: Path,
) -> Loaded:
    """Read every source, in order; mask the kinds of personal data in ``hide``, in what is refused as well.

    Raises:
        AssetError: a source is missing, or not what its digest says.
        DataError: a file as a whole is not readable, or holds no row.
    """
    loaded = Loaded()
    for labels in labelled:
        for place, row in _rows(labels, limits, raw):
            _keep(loaded, place, row, problem, limits, hide)
            if labels.split:
                loaded.bound[place] = labels.split
    for source in corpus:
        for place, row in _rows(source, limits, raw):
            _keep(loaded, place, row, None, limits, hide)
    return loaded


def identify(text: str) -> str:
    """Return a text's id: the same wherever and in whatever order it is read."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def reject(record: Example | Document, reason: str, detail: str, twin: str | None = None) -> Rejected:
    """Return the quarantine's entry for a record that was read well."""
    return Rejected(record.id, record.source, reason, detail, twin, record.text[:KEPT_TEXT])


def _rows(source: Source, limits: Limits, raw: Path) -> Iterator[tuple[str, Row]]:
    with data_files(source, raw) as files:
        for name, path in files:
            if not path.stat().st_size:
                raise DataError(f"{name}: the file is empty")
            row = None
            for row in track(source.reader.read(path, source.columns, limits), f"read {name}"):
                yield f"{name}:{row.place}", row
            if row is None:
                raise DataError(f"{name}: reader `{source.reader.kind}` sees no row in it; check format and columns")


def _keep(
    loaded: Loaded, place: str, row: Row, problem: Problem | None, limits: Limits, hide: Collection[Kind]
) -> None:
    """Add what a row holds to what was loaded: an example where there is a problem, else a document."""
    try:
        if row.reason:
            raise Refused(row.reason, row.detail)
        values = {name: _value(name, value) for name, value in row.values.items()}
        text, label, spans = _answer(values, problem)
        if len(text) > limits.row_bytes:
            raise Refused("too_long", f"{len(text):,} characters")
        text, spans, kinds = _repaired(text, spans)
        text, spans, hidden = _masked(text, spans, hide)
        identity = identify(text)
        if problem is None:
            loaded.documents.append(Document(id=identity, text=text, source=place))
        else:
            group = str(values.get("group", ""))
            loaded.examples.append(Example(identity, text, label, spans, group=group, source=place))
        loaded.repairs.update(kinds)
        loaded.masked.update(hidden)
    except Refused as error:
        shown, detail = (mask(words, hide)[0] for words in (_shown(row), str(error)))
        loaded.rejected.append(Rejected(identify(shown), place, error.reason, detail, text=shown))


def _answer(values: Mapping[str, Value], problem: Problem | None) -> tuple[str, str | None, tuple[Span, ...]]:
    if problem is None:
        return str(values["text"]), None, ()
    try:
        return problem.read(values)
    except ValueError as error:
        raise Refused("label", str(error)) from None


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
    if name != "text" and any("\ud800" <= c <= "\udfff" for c in text):
        raise Refused("text", f"half of a surrogate pair in {name}")
    return text


def _span_list(value: Any) -> list[tuple[int, int, str]]:
    """Return spans written as ``[start, end, label]`` or ``{"start": …, "end": …, "label": …}``."""
    if not isinstance(value, list):
        raise Refused("type", f"spans is a {type(value).__name__}, not a list")
    try:
        parts = [(v["start"], v["end"], v["label"]) if isinstance(v, Mapping) else tuple(v) for v in value]
        return [(int(start), int(end), str(label)) for start, end, label in parts]
    except (KeyError, TypeError, ValueError):
        raise Refused("type", "spans are [start, end, label], or objects with these keys") from None


def _shown(row: Row) -> str:
    """Return what the quarantine shows of a refused row, in text that can be written anywhere."""
    text = row.text or str(row.values.get("text", ""))
    return text[:KEPT_TEXT].encode("utf-8", "replace").decode()
