"""Interface of the readers, which turn a file into rows without guessing.

An unreadable row is yielded with its reason and goes to quarantine with its location. Only an error of the whole file
(schema, container) raises an exception.
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
"""Field -> column of the file: a name, an index, or a path into a JSON value."""


class Limits(Section):
    """Limits against hostile or broken files."""

    row_bytes: int = Field(ge=1_000, le=MAX_COUNT, default=1_000_000)
    """Longest row, in bytes; longer rows go to quarantine."""
    rows: int = Field(ge=1, le=MAX_COUNT, default=20_000_000)
    """Most rows per file; a file with more is refused."""
    ratio: int = Field(ge=10, le=MAX_COUNT, default=200)
    """Largest ratio of unpacked to compressed bytes; a file above it is refused. Text rarely exceeds 30."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its values by field, or the reason for its rejection."""

    place: str
    """Line number, or path into a JSON value."""
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    """Rejection reason in one word; empty for a valid row."""
    detail: str = ""
    """Explanation of the reason. Quotes must be complete: they are masked before they are truncated."""
    text: str = ""
    """Complete content of a rejected row, for the quarantine."""


class Reader(Component):
    """Reader of one file format. Its fields are the format's parameters."""

    fixed_columns: ClassVar[tuple[str, ...]] = ()
    """Fields that the format defines, so that they need no mapping."""

    @property
    def provided_columns(self) -> tuple[str, ...]:
        """Fields that this reader provides without a mapping, given its parameters."""
        return self.fixed_columns

    @abstractmethod
    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        """Yield every row of the file, in order, including rejected ones.

        Raises:
            DataError: the file is not in this format. Quotes in the message are complete, as in a ``Row``.
        """


READERS: Registry[Reader] = Registry("reader", "satiety.ingest.readers")
