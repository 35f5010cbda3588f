"""The shapes that flow between stages, and Parquet in and out, streamed.

Everything here is plain data. Offsets are in characters (Unicode code points), half-open.
"""

import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

from satiety.errors import DataError
from satiety.files import replacing

Split = Literal["train", "dev", "test"]
Bound = Literal["train", "dev", "test", "added"]
"""What a source of labels is for: one split, or train beside the budget."""
BATCH = 8192
"""Rows per Parquet row group: bounds memory, and fixes the bytes of the file."""


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled stretch of a text: characters ``start`` to ``end``, half-open."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text, and where it came from."""

    id: str
    text: str
    label: str | None = None
    """The gold answer of a problem that gives one label to a text."""
    spans: tuple[Span, ...] = ()
    """The gold answer of a problem that labels stretches of a text; in order of start, never overlapping."""
    split: Split = "train"
    group: str = ""
    """Examples of one group never straddle the split."""
    language: str = ""
    """ISO 639-1 code; ``und`` where it cannot be told."""
    origin: str = "gold"
    """``gold`` (a person labelled it), or the name of the component that made it."""
    parent: str | None = None
    """Id of the example this one was made from."""
    source: str = ""
    """Where it was read: ``file:line``."""


@dataclass(frozen=True, slots=True)
class Document:
    """One raw text of the corpus."""

    id: str
    text: str
    language: str = ""
    origin: str = "corpus"
    """``corpus``, or ``unlabelled``: a labelled source's text, its label taken off."""
    source: str = ""
    score: float | None = None
    """How well it bears on the problem, by the retriever that kept it; larger is better."""
    reason: str | None = None
    """Why it was kept."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a stage dropped, and why. Nothing is lost on the way."""

    id: str
    source: str
    reason: str
    """One word or expectation name: ``duplicate``, ``near_duplicate``, ``encoding``, …"""
    detail: str
    twin: str | None = None
    """Id of the record it repeats."""
    text: str = ""
    """The text, cut to 10,000 characters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered for one test example; answers are JSON (`satiety.evaluate.answers`), and no text is in it."""

    id: str
    gold: str
    before: str
    """The answer without any training of the model."""
    after: str
    """The tuned model's answer."""
    confidence: float
    """The tuned model's probability of its answer, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Served:
    """One text that a model answered."""

    id: str
    """Of this answer, for feedback and receipts."""
    time: str
    """ISO 8601, UTC."""
    text: str
    """Personal data is masked."""
    answer: str
    """JSON (`satiety.evaluate.answers`); spans are of the masked text."""
    confidence: float
    """The model's probability of its answer, in [0, 1]."""
    scores: str
    """JSON: the probability of each label; ``{}`` where spans are labelled."""
    latency: float
    """Seconds, its share of its batch's."""
    model: str
    """Digest of the package."""
    name: str
    """Of the registered model: those of one name follow each other in one place, whatever else is on record."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says the answer should have been."""

    id: str
    """Of the `Served` row."""
    time: str
    """ISO 8601, UTC."""
    answer: str
    """JSON (`satiety.evaluate.answers`): a label, or spans over the masked text."""
    by: str
    """Who says so: a free word."""


R = TypeVar("R", Example, Document, Rejected, Answer, Served, Feedback)


def write(path: Path, records: Iterable[R], kind: type[R]) -> int:
    """Write records as Parquet, streamed; return how many."""
    import pyarrow as pa
    from pyarrow import parquet

    schema, rows, count = _schema(kind), iter(records), 0
    options: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
    with replacing(path) as temporary, parquet.ParquetWriter(temporary, schema, **options) as out:
        while batch := list(islice(rows, BATCH)):
            out.write_table(pa.Table.from_pylist([_row(record) for record in batch], schema=schema))
            count += len(batch)
    return count


def read(path: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a Parquet file that ``write`` made, in file order.

    Raises:
        DataError: the file is missing, truncated, holds other columns, or a byte of a page is not the one written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(_schema(kind)):
                found = ", ".join(file.schema_arrow.names)
                raise DataError(f"{path}: not a table of {kind.__name__}; its columns are: {found}")
            for batch in file.iter_batches(BATCH):
                for row in batch.to_pylist():
                    yield _record(kind, row)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run the stage that makes it, or `dvc repro`") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file ({error}); {_remedy(kind)}") from None


def _remedy(kind: type) -> str:
    """Say what to do about a damaged table: DVC makes its own anew, and nobody what was asked or said."""
    if kind in (Served, Feedback):
        return "what is in it is lost to monitoring and retraining; restore it from a backup, or remove it"
    return "remove it and run `dvc repro`"


def count(path: Path) -> int | None:
    """Return how many rows a Parquet file has; None where it is not a whole one."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return int(parquet.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError):
        return None


def _row(record: R) -> dict[str, Any]:
    """Return what `asdict` does, in a third of the time: that copies every value."""
    row = {name: getattr(record, name) for name in record.__slots__}
    if row.get("spans"):
        row["spans"] = [asdict(span) for span in row["spans"]]
    return row


def _record(kind: type[R], row: dict[str, Any]) -> R:
    if kind is Example:
        row["spans"] = tuple(Span(**span) for span in row["spans"])
    return kind(**row)


def _schema(kind: type) -> Any:
    import pyarrow as pa

    hints = typing.get_type_hints(kind)
    return pa.schema([_column(field.name, hints[field.name]) for field in fields(kind)])


def _column(name: str, hint: Any) -> Any:
    import pyarrow as pa

    if hint == tuple[Span, ...]:
        span = [("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())]
        return pa.field(name, pa.list_(pa.struct(span)), nullable=False)
    plain = next(t for t in typing.get_args(hint) if t is not type(None)) if isinstance(hint, types.UnionType) else hint
    return pa.field(name, pa.float64() if plain is float else pa.string(), nullable=isinstance(hint, types.UnionType))
