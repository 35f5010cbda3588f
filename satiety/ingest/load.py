"""Load the sources into clean examples and documents, and the rejected rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from satiety.core.errors import DataError
from satiety.core.progress import track
from satiety.core.records import Destination, Document, Example, Rejection
from satiety.ingest import LabelledSource, Source
from satiety.ingest.assets import data_files
from satiety.ingest.base import Columns, Limits, Reader, Row
from satiety.ingest.clean import CleanedRow, Cleaner
from satiety.ingest.sanitise import mask_salvaged
from satiety.problems.base import Problem
from satiety.text.masking import Kind

MAX_MESSAGE = 1_000
"""Most characters of an error message about a file."""


@dataclass(slots=True)
class LoadedRecords:
    """Records loaded from all sources."""

    examples: list[Example] = field(default_factory=list)
    bindings: dict[str, Destination] = field(default_factory=dict)
    """``file:line`` of a record -> the split that its source is reserved for."""
    documents: list[Document] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    """Number of repaired rows, by kind of repair; ``label``: a label was repaired."""
    masked: Counter[str] = field(default_factory=Counter)
    """Number of rows with masked data, by kind."""

    @property
    def row_count(self) -> int:
        """Number of rows read."""
        return len(self.examples) + len(self.documents) + len(self.rejected)


def load(
    labelled: Sequence[LabelledSource],
    corpus: Sequence[Source],
    problem: Problem,
    limits: Limits,
    hide: Collection[Kind],
    raw: Path,
) -> LoadedRecords:
    """Read every source, in order; mask the kinds of personal data in ``hide``, also in rejected rows.

    Raises:
        AssetError: a source is missing, or does not match its digest.
        DataError: a file is unreadable, or has no rows.
    """
    loaded = LoadedRecords()
    for labelled_source in labelled:
        for cleaned in _read_source(labelled_source, Cleaner(problem, limits, hide), limits, raw):
            _add(loaded, cleaned)
            if labelled_source.split:
                loaded.bindings[cleaned.record.source] = labelled_source.split
    for source in corpus:
        for cleaned in _read_source(source, Cleaner(None, limits, hide), limits, raw):
            _add(loaded, cleaned)
    return loaded


def _read_source(source: Source, cleaner: Cleaner, limits: Limits, raw: Path) -> Iterator[CleanedRow]:
    with data_files(source, raw) as files:
        for name, path in files:
            if not path.stat().st_size:
                raise DataError(f"{name}: the file is empty")
            row, display_name = None, name.encode("utf-8", "replace").decode()
            for row in track(read_rows(source.reader, path, source.columns, limits, cleaner.hide), f"read {name}"):
                yield cleaner.clean(display_name, row)
            if row is None:
                raise DataError(
                    f"{name}: the reader `{source.reader.kind}` found no rows; check the format and `columns`"
                )


def read_rows(reader: Reader, path: Path, columns: Columns, limits: Limits, hide: Collection[Kind]) -> Iterator[Row]:
    """Yield every row of a file, as given by its reader.

    Raises:
        DataError: the file is not in this format. The message is masked, then truncated: it may quote a row of data
            that was read as the header.
    """
    try:
        yield from reader.read(path, columns, limits)
    except DataError as error:
        raise DataError(mask_salvaged(str(error), hide)[:MAX_MESSAGE]) from None


def _add(loaded: LoadedRecords, cleaned: CleanedRow) -> None:
    match cleaned.record:
        case Example() as example:
            loaded.examples.append(example)
        case Document() as document:
            loaded.documents.append(document)
        case rejected:
            loaded.rejected.append(rejected)
    loaded.repairs.update(cleaned.repairs)
    loaded.masked.update(cleaned.masked)
