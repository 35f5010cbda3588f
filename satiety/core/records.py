"""Records that flow between stages, with streamed reading and writing as Parquet."""

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
Destination = Literal["train", "dev", "test", "extra"]
"""Split that a labelled source is reserved for; ``extra``: train, outside the budget."""
BATCH = 8192
"""Rows per Parquet row group: bounds memory and makes the bytes of the file reproducible."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled example and its provenance."""

    id: str
    """Digest of the inputs."""
    inputs: Inputs = field(hash=False)
    """Named inputs; JSON in a table (`satiety.core.inputs`)."""
    answer: Answer | None = None
    """Gold answer; JSON in a table (`satiety.core.answers`)."""
    split: Split = "train"
    group: str = ""
    """Group id; examples of one group stay in the same split."""
    language: str = ""
    """ISO 639-1 code; ``und``: undetermined."""
    origin: str = "gold"
    """``gold``: labelled by a person; ``drawn``: sampled at random from the traffic, then labelled by a person;
    otherwise the component that made it."""
    parent: str | None = None
    """Id of the example this one was made from."""
    source: str = ""
    """Location in the source, as ``file:line``."""

    @property
    def text(self) -> str:
        """The inputs as one text."""
        return text_of(self.inputs)

    @property
    def owner(self) -> str:
        """What is held out with it: its group, else its parent and the parent's other copies, else itself alone."""
        return self.group or self.parent or self.id


@dataclass(frozen=True, slots=True)
class Document:
    """One raw text of the corpus."""

    id: str
    text: str
    language: str = ""
    origin: str = "corpus"
    """``corpus``, or ``unlabelled``: a text of a labelled source without its label."""
    source: str = ""
    score: float | None = None
    """Relevance to the problem, set by the retriever; larger is better."""
    reason: str | None = None
    """Reason for retrieval."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that a stage dropped, with its reason; a row of the quarantine."""

    id: str
    source: str
    reason: str
    """One word, or the name of an expectation: ``duplicate``, ``near_duplicate``, ``encoding``, …"""
    detail: str
    twin: str | None = None
    """Id of the record that it duplicates."""
    text: str = ""
    """The text, truncated to 10,000 characters."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Predictions for one test example, without its text; answers are JSON (`satiety.core.answers`)."""

    id: str
    gold: str
    before: str
    """Answer of the base model before training (zero-shot)."""
    after: str
    """Answer of the tuned model."""
    confidence: float
    """Probability of ``after`` under the tuned model, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Served:
    """One prediction of a served model."""

    id: str
    """Prediction id, used by feedback and traces."""
    time: str
    """ISO 8601, UTC."""
    inputs: str
    """JSON (`satiety.core.inputs`); repaired, with personal data and secrets masked."""
    answer: str
    """JSON (`satiety.core.answers`); offsets refer to the masked text."""
    confidence: float
    """Probability of the answer under the model, in [0, 1]."""
    scores: str
    """JSON: probability of each label, or of each mention by its offsets in the masked text; ``{}`` if unavailable."""
    latency: float
    """Seconds per example: the time of its batch divided by the batch size."""
    model: str
    """Digest of the package."""
    name: str
    """Name of the registered model; versions of one name replace each other in one deployment."""

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
    """A corrected answer for one prediction."""

    id: str
    """Id of the `Served` row."""
    time: str
    """ISO 8601, UTC."""
    answer: str
    """JSON (`satiety.core.answers`); offsets refer to the masked text."""
    by: str
    """Author of the correction, as free text."""


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """A prediction sampled at random from the traffic log, for a person to label."""

    id: str
    """Id of the `Served` row."""
    time: str
    """ISO 8601, UTC."""
    draw: str
    """Name of the sample that it belongs to."""


R = TypeVar("R", Example, Document, Rejection, Evaluated, Served, Feedback, LabelRequest)


def write(path: Path, records: Iterable[R], kind: type[R], notes: Mapping[str, str] | None = None) -> int:
    """Write records as Parquet, streamed; return their number.

    Args:
        path: target file.
        records: records to write.
        kind: class of the records.
        notes: key-value metadata of the file, returned by ``read_notes``.
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
        DataError: the file is missing, unreadable, or has other columns.
        DamagedError: the file is truncated, or the checksum of a page does not match.
    """
    with _open_table(path, kind) as file:
        for batch in file.iter_batches(BATCH):
            for row in batch.to_pylist():
                yield _from_row(kind, row)


def read_ids(path: Path, kind: type[R]) -> list[str]:
    """Return the ids, in file order. Raises the errors of ``read``."""
    with _open_table(path, kind) as file:
        return list(file.read(["id"]).column("id").to_pylist())


def read_notes(path: Path, kind: type[R]) -> dict[str, str]:
    """Return the key-value metadata of a file. Raises the errors of ``read``."""
    with _open_table(path, kind) as file:
        notes = file.metadata.metadata or {}
        return {name.decode(): value.decode() for name, value in notes.items()}


@contextmanager
def _open_table(path: Path, kind: type[R]) -> Iterator[Any]:
    """Open a Parquet file of records; errors while opening or reading it become a DataError."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(_make_schema(kind)):
                columns = ", ".join(file.schema_arrow.names)
                raise DataError(
                    f"{path}: the columns ({columns}) are not those of a {kind.__name__} table of this version; "
                    f"{_advise_rebuild(kind)}"
                )
            yield file
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run `dvc repro`, or the stage that makes it") from None
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path}: cannot read: {error.strerror}") from None
        raise DamagedError(f"{path}: damaged Parquet file ({error}); {_advise_repair(kind)}") from None


def _advise_rebuild(kind: type) -> str:
    """Return the advice for a table with other columns; `dvc repro` cannot rebuild the traffic log."""
    if kind in (Served, Feedback, LabelRequest):
        return "move it out of the traffic log; this version cannot read it"
    return "run `dvc repro` to rebuild it"


def _advise_repair(kind: type) -> str:
    """Return the advice for a damaged table; `dvc repro` cannot rebuild the traffic log."""
    if kind in (Served, Feedback):
        return "restore it from a backup, or remove it: monitoring and retraining then skip its rows"
    return "remove it and run `dvc repro`"


def count_rows(path: Path) -> int | None:
    """Return the number of rows of a Parquet file; None if the file is missing or damaged."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return int(parquet.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError):
        return None


def _to_row(record: R) -> dict[str, Any]:
    """Return the record as a row; like `asdict`, but three times faster, because it copies no values."""
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
