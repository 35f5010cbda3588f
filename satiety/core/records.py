"""The records that flow between stages, and Parquet in and out, streamed. Everything here is plain data."""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

from satiety.core.answers import Answer, dump, load
from satiety.core.errors import DamagedError, DataError
from satiety.core.files import write_atomically
from satiety.core.inputs import Inputs, dump_inputs, load_inputs, text_of

Split = Literal["train", "dev", "test"]
Destination = Literal["train", "dev", "test", "added"]
"""What a source of labels is for: one split, or train beside the budget."""
BATCH = 8192
"""Rows per Parquet row group: bounds memory, and fixes the bytes of the file."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled example, and where it came from."""

    id: str
    """Digest of the inputs."""
    inputs: Inputs = field(hash=False)
    """What is asked; in a table it is JSON (`satiety.core.inputs`)."""
    answer: Answer | None = None
    """The gold answer; in a table it is JSON (`satiety.core.answers`)."""
    split: Split = "train"
    group: str = ""
    """Examples of one group never straddle the split."""
    language: str = ""
    """ISO 639-1 code; ``und`` where it cannot be told."""
    origin: str = "gold"
    """``gold`` (a person labelled it); ``drawn`` (so did one, and chance chose it from the traffic); or the name of
    the component that made it."""
    parent: str | None = None
    """Id of the example this one was made from."""
    source: str = ""
    """Where it was read: ``file:line``."""

    @property
    def text(self) -> str:
        """The inputs as one text."""
        return text_of(self.inputs)


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
class Rejection:
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
class Evaluated:
    """What was answered for one test example; answers are JSON (`satiety.core.answers`), and no text is in it."""

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
    """One example that a model answered."""

    id: str
    """Of this answer, for feedback and receipts."""
    time: str
    """ISO 8601, UTC."""
    inputs: str
    """JSON (`satiety.core.inputs`); repaired, personal data and secrets masked."""
    answer: str
    """JSON (`satiety.core.answers`); mentions are of the masked text."""
    confidence: float
    """The model's probability of its answer, in [0, 1]."""
    scores: str
    """JSON: the probability of each label, or of each mention by its place in the masked text; ``{}`` where these are
    not known."""
    latency: float
    """Seconds, its share of its batch's."""
    model: str
    """Digest of the package."""
    name: str
    """Of the registered model: those of one name follow each other in one place, whatever else is on record."""

    @property
    def named_inputs(self) -> Inputs:
        """The inputs, by name."""
        return load_inputs(self.inputs)

    @property
    def text(self) -> str:
        """The inputs as one text."""
        return text_of(self.named_inputs)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says the answer should have been."""

    id: str
    """Of the `Served` row."""
    time: str
    """ISO 8601, UTC."""
    answer: str
    """JSON (`satiety.core.answers`); mentions are of the masked text."""
    by: str
    """Who says so: a free word."""


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """An answer that chance drew from the record, for a person to label."""

    id: str
    """Of the `Served` row."""
    time: str
    """ISO 8601, UTC."""
    draw: str
    """Name of the draw: all of one were drawn together."""


R = TypeVar("R", Example, Document, Rejection, Evaluated, Served, Feedback, LabelRequest)


def write(path: Path, records: Iterable[R], kind: type[R], notes: Mapping[str, str] | None = None) -> int:
    """Write records as Parquet, streamed; return how many.

    Args:
        path: of the file.
        records: what to write.
        kind: their class.
        notes: the file's own metadata; ``read_notes`` returns them.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema, rows, count = _make_schema(kind), iter(records), 0
    options: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
    with write_atomically(path) as temporary, parquet.ParquetWriter(temporary, schema, **options) as writer:
        while batch := list(islice(rows, BATCH)):
            writer.write_table(pa.Table.from_pylist([_to_row(record) for record in batch], schema=schema))
            count += len(batch)
        if notes:
            writer.add_key_value_metadata(notes)
    return count


def read(path: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a Parquet file that ``write`` made, in file order.

    Raises:
        DataError: the file is missing, cannot be read, or holds other columns.
        DamagedError: it is truncated, or a byte of a page is not the one written.
    """
    with _open_table(path, kind) as file:
        for batch in file.iter_batches(BATCH):
            for row in batch.to_pylist():
                yield _from_row(kind, row)


def read_ids(path: Path, kind: type[R]) -> list[str]:
    """Return the ids alone, in file order. Raises what ``read`` does."""
    with _open_table(path, kind) as file:
        return list(file.read(["id"]).column("id").to_pylist())


def read_notes(path: Path, kind: type[R]) -> dict[str, str]:
    """Return the notes that a file was written with. Raises what ``read`` does."""
    with _open_table(path, kind) as file:
        notes = file.metadata.metadata or {}
        return {name.decode(): value.decode() for name, value in notes.items()}


@contextmanager
def _open_table(path: Path, kind: type[R]) -> Iterator[Any]:
    """Open a Parquet file of records, and say what is wrong with it, now or as it is read."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(_make_schema(kind)):
                columns = ", ".join(file.schema_arrow.names)
                raise DataError(
                    f"{path}: not a table of {kind.__name__}, or of an older Satiety; {_advise_rebuild(kind)} "
                    f"({columns})"
                )
            yield file
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run the stage that makes it, or `dvc repro`") from None
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path}: cannot read it: {error.strerror}") from None
        raise DamagedError(f"{path}: not a whole Parquet file ({error}); {_advise_repair(kind)}") from None


def _advise_rebuild(kind: type) -> str:
    """Say what to do about a table of another kind, or of an older version."""
    if kind in (Served, Feedback, LabelRequest):
        return "move it out of the record: nothing reads it any more"
    return "make it anew with `dvc repro`"


def _advise_repair(kind: type) -> str:
    """Say what to do about a damaged table: DVC makes its own anew, and nobody what was asked or said."""
    if kind in (Served, Feedback):
        return "what is in it is lost to monitoring and retraining; restore it from a backup, or remove it"
    return "remove it and run `dvc repro`"


def count_rows(path: Path) -> int | None:
    """Return how many rows a Parquet file has; None where it is not a whole one."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return int(parquet.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError):
        return None


def _to_row(record: R) -> dict[str, Any]:
    """Return what `asdict` does, in a third of the time: that copies every value."""
    row = {name: getattr(record, name) for name in record.__slots__}
    if isinstance(record, Example):
        row["inputs"] = dump_inputs(record.inputs)
        row["answer"] = None if record.answer is None else dump(record.answer)
    return row


def _from_row(kind: type[R], row: dict[str, Any]) -> R:
    if kind is Example:
        row["inputs"] = load_inputs(row["inputs"])
        row["answer"] = None if row["answer"] is None else load(row["answer"])
    return kind(**row)


def _make_schema(kind: type) -> Any:
    import pyarrow as pa

    hints = typing.get_type_hints(kind)
    return pa.schema([_make_field(column.name, hints[column.name]) for column in fields(kind)])


def _make_field(name: str, hint: Any) -> Any:
    import pyarrow as pa

    base = next(t for t in typing.get_args(hint) if t is not type(None)) if isinstance(hint, types.UnionType) else hint
    return pa.field(name, pa.float64() if base is float else pa.string(), nullable=isinstance(hint, types.UnionType))
