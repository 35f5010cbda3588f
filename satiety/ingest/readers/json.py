"""A single JSON value -> rows, by path patterns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from satiety.core.errors import DataError
from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import detect_encoding, read_blocks
from satiety.ingest.paths import check_starred_steps, split_path, walk
from satiety.ingest.values import JsonError, parse

MAX_BYTES = 1 << 29
"""Largest JSON file, in bytes; it is loaded into memory."""


@READERS.register("json")
class Json(Reader):
    """One JSON value per file; columns are paths such as ``*.turns.*.text`` or ``train.*.0``; ``*``: every child."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        steps = {field: split_path(json_path) for field, json_path in columns.items()}
        try:
            check_starred_steps(steps)
            rows = walk(parse(_read_text(path, limits)), steps)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from None
        for number, (place, values) in enumerate(rows, start=1):
            if number > limits.rows:
                raise DataError(f"{path}: more than {limits.rows:,} rows; raise ingest.limits.rows or split the file")
            if isinstance(values, JsonError):
                yield Row(place, reason="json", detail=str(values))
            else:
                yield Row(place, values)


def _read_text(path: Path, limits: Limits) -> str:
    mark, encoding = detect_encoding(path, limits)
    data = bytearray()
    for block in read_blocks(path, limits):
        data += block
        if len(data) > MAX_BYTES:
            raise DataError(f"{path}: more than {MAX_BYTES:,} bytes in one JSON value; convert it to JSON lines")
    try:
        return data[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not {encoding.upper()} at byte {mark + error.start}; save it as UTF-8") from None
