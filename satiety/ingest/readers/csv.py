"""Comma- or tab-separated values -> rows of text; "NA" and "007" stay as they are."""

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

OPEN_LINES = 200
"""Most lines of one row. A quote still open then was never closed: its line goes, and reading goes on with the next."""

DELIMITERS = ";\t|,"
"""What a file may be parted by where its header seems to be one column."""


@READERS.register("csv")
class Csv(Reader):
    """Values separated by one character, a row a line; a quoted value may hold line breaks (RFC 4180)."""

    delimiter: str = Field(min_length=1, max_length=1, default=",")
    """What stands between two values; a tab is written "\\t"."""
    quote: str | None = Field(min_length=1, max_length=1, default='"')
    """What a value is wrapped in where it holds delimiters; null where quotes are text like any other."""
    header: bool = True
    """Whether the first row names the columns; if not, columns are mapped by index, from 0."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        rows = self._parse_records(path, limits)
        if self.header:
            first, cells = next(rows, (None, None))
            if cells is None:
                raise DataError(f"{path}: {'its header: ' + first.detail if first else 'the file is empty'}")
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
        """Yield the first line of every record, and its cells, or None where it is refused for the line's reason."""
        pending: deque[Line] = deque()
        source = read_lines(path, limits)
        while first := (pending.popleft() if pending else next(source, None)):
            if first.reason or not first.text:
                if first.reason:
                    yield first, None
                continue
            yield self._parse_record(first, pending, source, limits.row_bytes)

    def _parse_record(
        self, first: Line, pending: deque[Line], source: Iterator[Line], size_limit: int
    ) -> tuple[Line, list[str] | None]:
        """Parse the record that begins at ``first``; where it does not close, give back every line but the first."""
        consumed = [first]

        def feed() -> Iterator[str]:
            yield first.text + "\n"
            while len(consumed) < OPEN_LINES and (line := pending.popleft() if pending else next(source, None)):
                consumed.append(line)
                yield line.text + "\n"

        previous_limit = csv.field_size_limit(size_limit)  # of the whole process, so that it is given back
        try:
            cells = next(csv.reader(feed(), strict=True, delimiter=self.delimiter, **_quote_options(self.quote)))
        except csv.Error as error:
            pending.extendleft(reversed(consumed[1:]))
            return Line(first.number, first.text, "quoting", f"{error}; the row begins here"), None
        finally:
            csv.field_size_limit(previous_limit)
        bad = next((line for line in consumed if line.reason), None)
        return (first, cells) if bad is None else (bad, None)


def _quote_options(quote: str | None) -> dict[str, Any]:
    return {"quoting": csv.QUOTE_NONE, "quotechar": None} if quote is None else {"quotechar": quote}


def _index_by_name(path: Path, columns: Columns, header: list[str], delimiter: str) -> dict[str, int]:
    names = [name.strip() for name in header]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise DataError(f"{path}:1: two columns are called '{duplicates[0]}'; rename one")
    for name in columns.values():
        if isinstance(name, str) and name not in names:
            hint = _hint_delimiter(names, delimiter) or suggest(name, names)
            raise DataError(f"{path}:1: there is no column {name!r}; {hint}there are: {', '.join(names)}")
    indices = {field: name if isinstance(name, int) else names.index(name) for field, name in columns.items()}
    if max(indices.values()) >= len(names):
        raise DataError(
            f"{path}:1: there is no column {max(indices.values())}: the header has {len(names)}, counted from 0"
        )
    return indices


def _hint_delimiter(names: list[str], delimiter: str) -> str:
    """Return that the header's values stand apart by another delimiter, where it looks so; else nothing."""
    candidate = next((mark for mark in DELIMITERS if mark in names[0]), "") if len(names) == 1 else ""
    return f"its values seem to be parted by {candidate!r}, not by {delimiter!r}; " if candidate else ""


def _index_by_position(path: Path, columns: Columns) -> dict[str, int]:
    for field, name in columns.items():
        if not isinstance(name, int):
            raise DataError(f"{path}: has no header, so `columns: {{{field}: {name}}}` must be an index, from 0")
    return {field: int(index) for field, index in columns.items()}
