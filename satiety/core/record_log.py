"""Append-only log of records as a folder of Parquet files: bounded, in order of arrival, consistent after a kill.

Every append writes a new file atomically, so writers need no lock. The file name contains a timestamp, the number of
rows and a random id. The timestamp is the time of writing, or later than all existing files if the clock is behind. The
``time`` of a row is informative only.

Each append also compacts the folder, unless another process is doing so: adjacent small files are merged, and the
oldest files beyond the limit are removed. A merged file takes the timestamp and id of its last source and lists all its
sources, so an interrupted merge is detected and finished, and no row counts twice.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, groupby
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from satiety.core.errors import DamagedError, DataError, SatietyError
from satiety.core.records import Feedback, LabelRequest, Served, read, read_ids, read_notes, write
from satiety.core.state_files import rename_damaged

log = logging.getLogger(__name__)

NAME = re.compile(r"(?P<place>\d{8}T\d{6}\.\d{6}Z)-(?P<rows>\d+)-(?P<mark>[0-9a-f]{12})\.parquet")
"""File names of the log; other files in the folder are ignored."""
TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
LOCK = ".lock"
MERGED_FROM = "satiety.parts"
"""Metadata key of a merged file: the names of its sources, in order, as JSON."""
MERGE_SHARE = 8
"""Merged files have about 1/8 of the limit in rows at most, so that removing the oldest one loses no more."""
R = TypeVar("R", Served, Feedback, LabelRequest)


class Segment(NamedTuple):
    """A file of the log, parsed from its name; segments sort in order of arrival."""

    timestamp: str
    mark: str
    rows: int
    path: Path


@dataclass(frozen=True, slots=True)
class RecordLog(Generic[R]):
    """A log of records of one kind."""

    folder: Path
    kind: type[R]
    limit: int
    """Minimum number of rows kept; older files beyond it are removed."""
    max_segments: int
    """Number of small files above which the older ones are merged."""

    def add(self, rows: Sequence[R]) -> None:
        """Append rows.

        Raises:
            SetupError: the disk is full, read-only or forbidden; no row was appended.
        """
        if rows:
            self._write(_choose_time(self._list_segments()), uuid.uuid4().hex[:12], list(_keep_latest(rows).values()))
            self._compact()

    def read(self) -> dict[str, R]:
        """Return the latest row of every id, in order of arrival.

        Damaged files are renamed with a warning.
        """
        tables: dict[Segment, list[R]] = {}
        while unread := [part for part in self._list_segments() if part not in tables]:  # merged or added meanwhile
            tables |= {part: self._read_rows(part) for part in unread}
        return _keep_latest(row for part in sorted(tables) for row in tables[part])

    def _list_segments(self) -> list[Segment]:
        matches = [(path, NAME.fullmatch(path.name)) for path in self.folder.glob("*.parquet")]
        return sorted(Segment(m["place"], m["mark"], int(m["rows"]), path) for path, m in matches if m)

    def _write(self, timestamp: str, mark: str, rows: Sequence[R], names: Sequence[str] = ()) -> Path:
        path = self.folder / f"{timestamp}-{len(rows)}-{mark}.parquet"
        write(path, rows, self.kind, {MERGED_FROM: json.dumps(names)} if names else None)
        return path

    def _compact(self) -> None:
        """Compact the folder, unless another process is doing so. After a failure the next append tries again."""
        try:
            with (self.folder / LOCK).open("a") as lock:
                # Not filelock: it belongs to the extra `pipeline`, and `predict` records without it.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._finish_merge()
                self._drop_oldest()
                self._merge()
        except BlockingIOError:
            return
        except (SatietyError, OSError) as error:
            log.warning("%s: the rows are recorded, but the folder cannot be compacted: %s", self.folder, error)

    def _finish_merge(self) -> None:
        """Finish an interrupted merge: both the merged file and its last source exist."""
        for _, group in groupby(self._list_segments(), lambda part: (part.timestamp, part.mark)):
            if len(duplicates := list(group)) > 1:
                for part in duplicates:
                    if self._read_rows(part):
                        self._remove_merged(part.path)

    def _drop_oldest(self) -> None:
        """Remove the oldest files as long as the remaining ones have enough rows."""
        files = self._list_segments()
        while files and sum(part.rows for part in files[1:]) >= self.limit and self._has_enough(files[1:]):
            files.pop(0).path.unlink(missing_ok=True)

    def _has_enough(self, segments: Sequence[Segment]) -> bool:
        """Return whether the segments have at least ``limit`` distinct ids; one answer may be corrected twice."""
        ids = set[str]()
        for part in reversed(segments):
            with _skip_damaged(part.path):
                ids.update(read_ids(part.path, self.kind))
            if len(ids) >= self.limit:
                return True
        return False

    def _merge(self) -> None:
        """Merge the older half of the longest run of adjacent small files, if there are too many."""
        max_rows, files = self.limit // MERGE_SHARE, self._list_segments()
        if sum(part.rows < max_rows for part in files) <= self.max_segments:
            return
        groups = [list(group) for small, group in groupby(files, lambda part: part.rows < max_rows) if small]
        longest = max(groups, key=len)
        count = sum(total <= max_rows for total in accumulate(part.rows for part in longest))
        tables = {part: self._read_rows(part) for part in longest[: max(2, min(count, len(longest) // 2))]}
        readable = [part for part, rows in tables.items() if rows]
        if len(readable) > 1:
            rows = list(_keep_latest(row for part in readable for row in tables[part]).values())
            names = [part.path.name for part in readable]
            self._remove_merged(self._write(readable[-1].timestamp, readable[-1].mark, rows, names))

    def _remove_merged(self, joined: Path) -> None:
        """Remove the sources of a merged file, the last one last: while it exists, the merge is unfinished."""
        for name in json.loads(read_notes(joined, self.kind).get(MERGED_FROM, "[]")):
            if name != joined.name and NAME.fullmatch(name):
                (self.folder / name).unlink(missing_ok=True)

    def _read_rows(self, part: Segment) -> list[R]:
        with _skip_damaged(part.path):
            return list(read(part.path, self.kind))
        return []


@contextmanager
def _skip_damaged(path: Path) -> Iterator[None]:
    """Skip a file that cannot be read within the block, with a warning; rename it if it is damaged."""
    try:
        yield
    except DamagedError as error:
        rename_damaged(path, error)
    except DataError as error:
        if path.exists():
            log.warning("ignored: %s", error)


def _choose_time(files: Sequence[Segment]) -> str:
    """Return the timestamp for a new file: the current time, or later than all existing files."""
    timestamp = datetime.now(UTC).strftime(TIME_FORMAT)
    if files:
        with suppress(ValueError, OverflowError):  # a file name that another program wrote
            following = datetime.strptime(files[-1].timestamp, TIME_FORMAT).replace(tzinfo=UTC) + timedelta(
                microseconds=1
            )
            timestamp = max(timestamp, following.strftime(TIME_FORMAT))
    return timestamp


def _keep_latest(rows: Iterable[R]) -> dict[str, R]:
    """Return the last row of each id, in the order of those rows."""
    latest: dict[str, R] = {}
    for row in rows:
        latest.pop(row.id, None)
        latest[row.id] = row
    return latest
