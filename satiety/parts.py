"""Records that come one by one -> a folder of Parquet parts: bounded, whole after any kill.

Every append is a file of its own, so writers need no lock and a file is there whole or not at all. Its name says when
it was written, how many rows it has, and which of those of one moment it is. Of too many small files the older ones are
made one; of too many rows the oldest go. Whatever is cut off in between, or done by two at once, leaves rows twice at
most, and the reader takes each once: of rows with one id, the latest.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

from satiety.errors import DataError
from satiety.records import Feedback, Served, read, write

log = logging.getLogger(__name__)

OURS = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+-[0-9a-f]{12}\.parquet")
"""Names of the files that are of the record; what else lies in the folder is left alone."""
LEFT = re.compile(rf"\.{OURS.pattern}\.\d+\.tmp")
"""And of those that somebody began."""
ABANDONED = 3600
"""Seconds after which a file that nobody finished is taken for left behind."""
SHARE = 8
"""A file is joined with others up to this part of the limit, so that what goes at once is no more than about that."""
R = TypeVar("R", Served, Feedback)


@dataclass(frozen=True, slots=True)
class Parts(Generic[R]):
    """A folder of records of one kind."""

    folder: Path
    kind: type[R]
    limit: int
    """Rows that are kept at least, once there are so many; the oldest files beyond go."""
    parts: int
    """Small files from which on the older ones are made one."""

    def add(self, rows: Sequence[R]) -> None:
        """Append rows.

        Raises:
            SetupError: the disk is full, read-only or forbidden; nothing was appended then.
        """
        if rows:
            self._write(datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ"), rows)
            self._tidy()

    def read(self) -> dict[str, R]:
        """Return the latest row of every id, in order of time. What is no whole file is left out, and said."""
        found: list[R] = []
        waiting = self._files()
        while waiting:
            for path in waiting:
                found += self._rows(path)
            gone = any(not path.exists() for path in waiting)  # made one with others, meanwhile
            waiting = [path for path in self._files() if path not in waiting] if gone else []
        return _latest(found)

    def _write(self, stamp: str, rows: Sequence[R]) -> None:
        write(self.folder / f"{stamp}-{len(rows)}-{uuid.uuid4().hex[:12]}.parquet", rows, self.kind)

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.parquet") if OURS.fullmatch(path.name))

    def _tidy(self) -> None:
        files = self._files()
        rows = sum(map(_count, files))
        while files and rows - _count(files[0]) >= self.limit:
            rows -= _count(files[0])
            files.pop(0).unlink(missing_ok=True)
        small = [path for path in files if _count(path) < self.limit // SHARE]
        if len(small) > self.parts:
            sums = accumulate(map(_count, small))
            fit = sum(total <= self.limit // SHARE for total in sums)
            self._join(small[: max(2, min(fit, len(small) // 2))])
        for path in filter(lambda path: LEFT.fullmatch(path.name), self.folder.glob(".*.tmp")):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()

    def _join(self, files: Sequence[Path]) -> None:
        whole = {path: found for path in files if (found := self._rows(path))}  # what is damaged stays to be looked at
        rows = list(_latest(row for one in whole.values() for row in one).values())
        self._write(files[-1].name.split("-", 1)[0], rows)
        for path in whole:
            path.unlink(missing_ok=True)

    def _rows(self, path: Path) -> list[R]:
        try:
            return list(read(path, self.kind))
        except DataError as error:
            if path.exists():
                log.warning("left out: %s", error)
            return []


def _latest(rows: Iterable[R]) -> dict[str, R]:
    found = {row.id: row for row in sorted(rows, key=_when)}
    return {row.id: row for row in sorted(found.values(), key=_when)}


def _when(row: Served | Feedback) -> tuple[str, str]:
    return row.time, row.id


def _count(path: Path) -> int:
    return int(path.name.split("-")[1])
