"""Sources -> repaired examples and documents, and every row that was refused."""

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
"""Characters of what is wrong with a file that are shown."""


@dataclass(slots=True)
class LoadedRecords:
    """All that the sources gave."""

    examples: list[Example] = field(default_factory=list)
    bindings: dict[str, Destination] = field(default_factory=dict)
    """Source place -> what its source is for, where it is for one split."""
    documents: list[Document] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    """Rows that were repaired, by kind of repair; ``label`` where that was one of their labels."""
    masked: Counter[str] = field(default_factory=Counter)
    """Rows in which personal data was masked, by its kind."""

    @property
    def row_count(self) -> int:
        """How many rows were read."""
        return len(self.examples) + len(self.documents) + len(self.rejected)


def load(
    labelled: Sequence[LabelledSource],
    corpus: Sequence[Source],
    problem: Problem,
    limits: Limits,
    hide: Collection[Kind],
    raw: Path,
) -> LoadedRecords:
    """Read every source, in order; mask the kinds of personal data in ``hide``, in what is refused as well.

    Raises:
        AssetError: a source is missing, or not what its digest says.
        DataError: a file as a whole is not readable, or holds no row.
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
                raise DataError(f"{name}: reader `{source.reader.kind}` sees no row in it; check format and columns")


def read_rows(reader: Reader, path: Path, columns: Columns, limits: Limits, hide: Collection[Kind]) -> Iterator[Row]:
    """Yield every row of a file, as its reader does.

    Raises:
        DataError: the file as a whole cannot be read so. What is quoted of it, whole, is masked and then cut: what was
            taken for the header may be a row.
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
