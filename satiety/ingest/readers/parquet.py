"""Parquet -> rows.

A small file can unpack to gigabytes, by compression or by a long dictionary value that every row refers to. So texts
are read as dictionaries, and their unpacked size is computed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from satiety.core.errors import DataError
from satiety.core.section import suggest
from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import MIN_RATIO_BYTES

BATCH = 4096
MAX_CHUNK_BYTES = 1 << 26
"""Approximate bytes of text unpacked at once."""


@READERS.register("parquet")
class Parquet(Reader):
    """A Parquet file; columns are mapped by name."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        import pyarrow as pa
        from pyarrow import parquet

        number = 0
        try:
            metadata = parquet.read_metadata(path)
            self._check(path, columns, metadata.schema.to_arrow_schema().names, metadata.num_rows, limits)
            for values in _unpack(path, metadata, [str(name) for name in columns.values()], limits):
                number += 1
                yield _build_row(str(number), {field: values[str(name)] for field, name in columns.items()})
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: damaged Parquet file ({_first_line(error)}); download it again") from None
        except UnicodeDecodeError:
            raise DataError(f"{path}: a list after row {number} contains text that is not UTF-8") from None

    def _check(self, path: Path, columns: Columns, names: list[str], rows: int, limits: Limits) -> None:
        for name in columns.values():
            if name not in names:
                hint = suggest(str(name), names)
                raise DataError(f"{path}: unknown column {name!r}; {hint}available: {', '.join(names)}")
        if len(set(names)) < len(names):
            raise DataError(f"{path}: two columns have the same name; rename one of: {', '.join(names)}")
        if rows > limits.rows:
            raise DataError(
                f"{path}: more than {limits.rows:,} rows ({rows:,}); raise ingest.limits.rows or split the file"
            )


def _unpack(path: Path, metadata: Any, names: list[str], limits: Limits) -> Iterator[dict[str, Any]]:
    """Yield the values of every row by column name.

    Raises:
        DataError: they unpack to more than ``limits.ratio`` times the file size.
    """
    from pyarrow import parquet

    size = path.stat().st_size
    remaining = max(MIN_RATIO_BYTES, size * limits.ratio)
    too_many = DataError(
        f"{path}: {size:,} bytes of Parquet unpack to over {remaining:,}, above ingest.limits.ratio: {limits.ratio}; "
        "if you trust the file, raise it"
    )
    top_level = {metadata.schema.column(i).path for i in range(metadata.num_columns)}
    if sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)) > remaining:
        raise too_many
    with parquet.ParquetFile(path, read_dictionary=[name for name in names if name in top_level]) as file:
        for batch in file.iter_batches(BATCH, columns=names):
            unpacked = sum(map(_measure_unpacked, batch.columns))
            remaining -= unpacked
            if remaining < 0:
                raise too_many
            yield from _iterate_rows(batch, max(1, len(batch) * MAX_CHUNK_BYTES // max(unpacked, MAX_CHUNK_BYTES)))


def _measure_unpacked(column: Any) -> int:
    """Return the unpacked size of a column, in bytes."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_dictionary(column.type) or not pa.types.is_string(column.type.value_type):
        return int(column.nbytes)
    return compute.sum(compute.binary_length(column.dictionary).take(column.indices)).as_py() or 0


def _iterate_rows(batch: Any, step: int) -> Iterator[dict[str, Any]]:
    for start in range(0, len(batch), step):
        piece = batch.slice(start, step)
        cells = [_read_cells(column) for column in piece.columns]
        yield from (dict(zip(piece.schema.names, row, strict=True)) for row in zip(*cells, strict=True))


def _read_cells(column: Any) -> list[Any]:
    """Return the values of a column; as bytes if one of its texts is not UTF-8."""
    import pyarrow as pa

    decoded = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    try:
        return list(decoded.to_pylist())
    except UnicodeDecodeError:
        if not pa.types.is_string(decoded.type):
            raise
        return list(decoded.view(pa.binary()).to_pylist())


def _build_row(place: str, values: dict[str, Any]) -> Row:
    for field, value in values.items():
        if isinstance(value, bytes):
            try:
                values[field] = value.decode("utf-8")
            except UnicodeDecodeError as error:
                detail = f"{field} is not UTF-8 at byte {error.start}: {value[error.start : error.start + 4].hex(' ')}"
                return Row(place, reason="encoding", detail=detail, text=value.decode("utf-8", "replace"))
    return Row(place, values)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
