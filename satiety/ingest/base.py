"""What a reader is: it turns a file into rows, and guesses nothing.

A row that cannot be read is a row too: it carries the reason, and goes to quarantine with its place in the file. Only
what is wrong with a file as a whole (its schema, its container) raises.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from satiety.core.registry import Component, Registry
from satiety.core.section import MAX_COUNT, Section

Columns = Mapping[str, str | int]
"""Our name -> the file's: a column's name or index, or a path into a JSON value."""


class Limits(Section):
    """What a hostile or broken file may cost."""

    row_bytes: int = Field(ge=1_000, le=MAX_COUNT, default=1_000_000)
    """Longest row, in bytes; a longer one goes to quarantine."""
    rows: int = Field(ge=1, le=MAX_COUNT, default=20_000_000)
    """Most rows of one file; a file with more is refused."""
    ratio: int = Field(ge=10, le=MAX_COUNT, default=200)
    """Most bytes that one byte of a gzip file may become; more is refused. Text rarely exceeds 30."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its values under our names, or why it has none."""

    place: str
    """Line number, or path into a JSON value."""
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    """One word why the row is refused; empty where it is not."""
    detail: str = ""
    """More of it. What it quotes is quoted whole: it is masked, and only then cut."""
    text: str = ""
    """What a refused row looks like, for the quarantine; whole as well."""


class Reader(Component):
    """How a format is read. Its fields are what a user must know about the format."""

    fixed_columns: ClassVar[tuple[str, ...]] = ()
    """Columns that need no mapping, because the format itself says where they are."""

    @property
    def provided_columns(self) -> tuple[str, ...]:
        """Columns that this very reader gives without a mapping."""
        return self.fixed_columns

    @abstractmethod
    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        """Yield every row of the file, in order, refused ones included.

        Raises:
            DataError: the file as a whole cannot be read so. What it quotes is quoted whole, as in a ``Row``.
        """


READERS: Registry[Reader] = Registry("reader", "satiety.ingest.readers")
