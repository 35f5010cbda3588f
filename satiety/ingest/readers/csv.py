"""Comma- or tab-separated values -> rows of text; "NA" and "007" stay text."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import Field

from satiety.core.errors import DataError
from satiety.core.section import suggest
from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import Line, read_lines

MAX_RECORD_LINES = 200
"""Most lines of one row. If a quote is still open then, its line is rejected and parsing resumes at the next line."""

DELIMITERS = ";\t|,"
"""Delimiters to suggest if the header is a single column."""


@READERS.register("csv")
class Csv(Reader):
    """Delimited values, one row per line; quoted values may contain line breaks (RFC 4180)."""

    delimiter: str = Field(min_length=1, max_length=1, default=",")
    """Delimiter between values; "\\t" for a tab."""
    quote: str | None = Field(min_length=1, max_length=1, default='"')
    """Quote character around values that contain delimiters; null: quotes are ordinary text."""
    header: bool = True
    """Whether the first row names the columns; if not, columns are mapped by index, from 0."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        rows = self._parse_records(path, limits)
        if self.header:
            first, cells = next(rows, (None, None))
            if cells is None:
                raise DataError(f"{path}: {'in the header: ' + first.detail if first else 'the file is empty'}")
            indices, width = _index_by_name(path, columns, cells, self.delimiter), len(cells)
        else:
            first, cells = next(rows, (None, None))
            indices, width = _index_by_position(path, columns), len(cells or ())
            rows = chain([(first, cells)] if first else [], rows)
        for line, cells in rows:
            if cells is None:
                yield Row(str(line.number), reason=line.reason, detail=line.detail, text=line.text)
            elif len(cells) != width or max(indices.values()) >= width:
                detail = f"{len(cells)} values where {'the header' if self.header else 'the first row'} has {width}"
                yield Row(str(line.number), reason="ragged", detail=detail, text=self.delimiter.join(cells))
            else:
                yield Row(str(line.number), {field: cells[index] for field, index in indices.items()})

    def _parse_records(self, path: Path, limits: Limits) -> Iterator[tuple[Line, list[str] | None]]:
        """Yield the first line of every record with its cells, or None if the record is rejected (see the line)."""
        pending: deque[Line] = deque()
        source = read_lines(path, limits)
        while first := (pending.popleft() if pending else next(source, None)):
            if first.reason or not first.text:
                if first.reason:
                    yield first, None
                continue
            yield self._parse_record(first, pending, source, limits.row_bytes)

    def _parse_record(
        self, first_line: Line, buffered_lines: deque[Line], source: Iterator[Line], size_limit: int
    ) -> tuple[Line, list[str] | None]:
        """Parse the record that starts at ``first``; if a quote stays open, return all other lines to ``pending``."""
        consumed = [first_line]

        def iterate_lines() -> Iterator[str]:
            """Yield lines while the csv module needs more of them for one record, and remember which it took."""
            yield first_line.text + "\n"
            while len(consumed) < MAX_RECORD_LINES and (
                next_line := buffered_lines.popleft() if buffered_lines else next(source, None)
            ):
                consumed.append(next_line)
                yield next_line.text + "\n"

        quoting: Any = {"quotechar": self.quote} if self.quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
        previous_limit = csv.field_size_limit(size_limit)  # a global setting, restored below
        try:
            cells = next(csv.reader(iterate_lines(), strict=True, delimiter=self.delimiter, **quoting))
        except csv.Error as error:
            buffered_lines.extendleft(reversed(consumed[1:]))
            return Line(first_line.number, first_line.text, "quoting", f"{error}; the row starts here"), None
        finally:
            csv.field_size_limit(previous_limit)
        bad = next((line for line in consumed if line.reason), None)
        return (first_line, cells) if bad is None else (bad, None)


def _index_by_name(path: Path, columns: Columns, header: list[str], delimiter: str) -> dict[str, int]:
    names = [name.strip() for name in header]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise DataError(f"{path}:1: two columns are called '{duplicates[0]}'; rename one of them")
    for name in columns.values():
        if isinstance(name, str) and name not in names:
            hint = _hint_delimiter(names, delimiter) or suggest(name, names)
            raise DataError(f"{path}:1: unknown column {name!r}; {hint}available: {', '.join(names)}")
    indices = {field: name if isinstance(name, int) else names.index(name) for field, name in columns.items()}
    if max(indices.values()) >= len(names):
        raise DataError(
            f"{path}:1: unknown column {max(indices.values())}; the header has {len(names)} columns, counted from 0"
        )
    return indices


def _hint_delimiter(names: list[str], delimiter: str) -> str:
    """Return a hint if the header seems to use another delimiter, otherwise an empty text."""
    candidate = next((mark for mark in DELIMITERS if mark in names[0]), "") if len(names) == 1 else ""
    return f"the delimiter seems to be {candidate!r}, not {delimiter!r}; " if candidate else ""


def _index_by_position(path: Path, columns: Columns) -> dict[str, int]:
    for field, name in columns.items():
        if not isinstance(name, int):
            raise DataError(
                f"{path}: without a header, `columns: {{{field}: {name}}}` must be an index, counted from 0"
            )
    return {field: int(index) for field, index in columns.items()}
