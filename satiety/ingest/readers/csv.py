"""Comma- or tab-separated values -> rows of text; "NA" and "007" stay as they are."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import Field

from satiety.errors import DataError
from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import Line, lines
from satiety.section import nearest

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
        rows = self._records(path, limits)
        if self.header:
            first, cells = next(rows, (None, None))
            if cells is None:
                raise DataError(f"{path}: {'its header: ' + first.detail if first else 'the file is empty'}")
            where, width = _named(path, columns, cells, self.delimiter), len(cells)
        else:
            first, cells = next(rows, (None, None))
            where, width = _numbered(path, columns), len(cells or ())
            rows = chain([(first, cells)] if first else [], rows)
        for line, cells in rows:
            if cells is None:
                yield Row(str(line.number), reason=line.reason, detail=line.detail, text=line.text)
            elif len(cells) != width or max(where.values()) >= width:
                detail = f"{len(cells)} values where {'the header' if self.header else 'the first row'} has {width}"
                yield Row(str(line.number), reason="ragged", detail=detail, text=self.delimiter.join(cells))
            else:
                yield Row(str(line.number), {ours: cells[index] for ours, index in where.items()})

    def _records(self, path: Path, limits: Limits) -> Iterator[tuple[Line, list[str] | None]]:
        """Yield the first line of every record, and its cells, or None where it is refused for the line's reason."""
        waiting: deque[Line] = deque()
        source = lines(path, limits)
        while first := (waiting.popleft() if waiting else next(source, None)):
            if first.reason or not first.text:
                if first.reason:
                    yield first, None
                continue
            yield self._record(first, waiting, source, limits.row_bytes)

    def _record(
        self, first: Line, waiting: deque[Line], source: Iterator[Line], longest: int
    ) -> tuple[Line, list[str] | None]:
        """Parse the record that begins at ``first``; where it does not close, give back every line but the first."""
        taken = [first]

        def feed() -> Iterator[str]:
            yield first.text + "\n"
            while len(taken) < OPEN_LINES and (line := waiting.popleft() if waiting else next(source, None)):
                taken.append(line)
                yield line.text + "\n"

        before = csv.field_size_limit(longest)  # of the whole process, so that it is given back
        try:
            cells = next(csv.reader(feed(), strict=True, delimiter=self.delimiter, **_quoting(self.quote)))
        except csv.Error as error:
            waiting.extendleft(reversed(taken[1:]))
            return Line(first.number, first.text, "quoting", f"{error}; the row begins here"), None
        finally:
            csv.field_size_limit(before)
        bad = next((line for line in taken if line.reason), None)
        return (first, cells) if bad is None else (bad, None)


def _quoting(quote: str | None) -> dict[str, Any]:
    return {"quoting": csv.QUOTE_NONE, "quotechar": None} if quote is None else {"quotechar": quote}


def _named(path: Path, columns: Columns, header: list[str], delimiter: str) -> dict[str, int]:
    names = [name.strip() for name in header]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}:1: two columns are called '{twice[0]}'; rename one")
    for name in columns.values():
        if isinstance(name, str) and name not in names:
            hint = _parted(names, delimiter) or nearest(name, names)
            raise DataError(f"{path}:1: there is no column {name!r}; {hint}there are: {', '.join(names)}")
    where = {ours: name if isinstance(name, int) else names.index(name) for ours, name in columns.items()}
    if max(where.values()) >= len(names):
        raise DataError(
            f"{path}:1: there is no column {max(where.values())}: the header has {len(names)}, counted from 0"
        )
    return where


def _parted(names: list[str], delimiter: str) -> str:
    """Return that the header's values stand apart by another delimiter, where it looks so; else nothing."""
    other = next((mark for mark in DELIMITERS if mark in names[0]), "") if len(names) == 1 else ""
    return f"its values seem to be parted by {other!r}, not by {delimiter!r}; " if other else ""


def _numbered(path: Path, columns: Columns) -> dict[str, int]:
    for ours, name in columns.items():
        if not isinstance(name, int):
            raise DataError(f"{path}: has no header, so `columns: {{{ours}: {name}}}` must be an index, from 0")
    return {ours: int(index) for ours, index in columns.items()}
