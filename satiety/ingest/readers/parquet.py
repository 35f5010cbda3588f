"""Parquet -> rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from satiety.errors import DataError
from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.section import nearest

BATCH = 4096


@READERS.register("parquet")
class Parquet(Reader):
    """A Parquet file; columns are mapped by name."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        import pyarrow as pa
        from pyarrow import parquet

        number = 0
        try:
            with parquet.ParquetFile(path) as file:
                self._check(path, columns, file.schema_arrow.names, file.metadata.num_rows, limits)
                for batch in file.iter_batches(BATCH, columns=[str(name) for name in columns.values()]):
                    for values in batch.to_pylist():
                        number += 1
                        yield Row(str(number), {ours: values[str(name)] for ours, name in columns.items()})
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: not a whole Parquet file ({_line(error)}); fetch it again") from None

    def _check(self, path: Path, columns: Columns, names: list[str], rows: int, limits: Limits) -> None:
        for name in columns.values():
            if name not in names:
                hint = nearest(str(name), names)
                raise DataError(f"{path}: there is no column {name!r}; {hint}there are: {', '.join(names)[:500]}")
        if len(set(names)) < len(names):
            raise DataError(f"{path}: two columns are called the same: {', '.join(names)[:500]}")
        if rows > limits.rows:
            raise DataError(f"{path}: {rows:,} rows are more than {limits.rows:,} (ingest.limits.rows)")


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
