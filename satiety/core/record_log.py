"""Records that come one by one -> a folder of Parquet parts: bounded, in order of arrival, whole after any kill.

Every append is a file of its own, so writers need no lock and a file is there whole or not at all. Its name gives its
place, its rows, and a mark of its own. The place is the time of writing, but always after that of the files that are
there: a clock may be wrong, the order of arrival may not. The ``time`` of a row is for people.

Who appends also tidies, unless another does at that moment. Of too many small files neighbours are joined; of too many
rows the oldest files go. A joined file has the place and the mark of the last file that it stands for, and names them
all: a joining that was cut off is seen by that, and finished, and no row counts twice.
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
"""Names of the files that are of the record; what else lies in the folder is left alone."""
TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
LOCK = ".lock"
MERGED_FROM = "satiety.parts"
"""Note of a joined file: the names of the files that it stands for, as JSON, in their order."""
MERGE_SHARE = 8
"""A file is joined with others up to this part of the limit, so that what goes at once is no more than about that."""
R = TypeVar("R", Served, Feedback, LabelRequest)


class Segment(NamedTuple):
    """A file of the record, as its name describes it; parts sort in order of arrival."""

    place: str
    mark: str
    rows: int
    path: Path


@dataclass(frozen=True, slots=True)
class RecordLog(Generic[R]):
    """A folder of records of one kind."""

    folder: Path
    kind: type[R]
    limit: int
    """Rows that are kept at least, once there are so many; the oldest files beyond go."""
    max_segments: int
    """Small files from which on the older ones are joined."""

    def add(self, rows: Sequence[R]) -> None:
        """Append rows.

        Raises:
            SetupError: the disk is full, read-only or forbidden; nothing was appended then.
        """
        if rows:
            self._write(_choose_time(self._list_segments()), uuid.uuid4().hex[:12], list(_keep_latest(rows).values()))
            self._compact()

    def read(self) -> dict[str, R]:
        """Return the row of every id that arrived last, in order of arrival.

        What is no whole file is put aside, and the log says so.
        """
        tables: dict[Segment, list[R]] = {}
        while unread := [part for part in self._list_segments() if part not in tables]:  # joined meanwhile, or new
            tables |= {part: self._read_rows(part) for part in unread}
        return _keep_latest(row for part in sorted(tables) for row in tables[part])

    def _list_segments(self) -> list[Segment]:
        matches = [(path, NAME.fullmatch(path.name)) for path in self.folder.glob("*.parquet")]
        return sorted(Segment(m["place"], m["mark"], int(m["rows"]), path) for path, m in matches if m)

    def _write(self, place: str, mark: str, rows: Sequence[R], names: Sequence[str] = ()) -> Path:
        path = self.folder / f"{place}-{len(rows)}-{mark}.parquet"
        write(path, rows, self.kind, {MERGED_FROM: json.dumps(names)} if names else None)
        return path

    def _compact(self) -> None:
        """Keep the folder small, where nobody else does so now. What fails is tried again by the next append."""
        try:
            with (self.folder / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._finish_merge()
                self._drop_oldest()
                self._merge()
        except BlockingIOError:
            return
        except (SatietyError, OSError) as error:
            log.warning("%s: the rows are recorded, but the folder cannot be tidied: %s", self.folder, error)

    def _finish_merge(self) -> None:
        """End a joining that was cut off: the joined file is there, and the last of those that it stands for."""
        for _, group in groupby(self._list_segments(), lambda part: (part.place, part.mark)):
            if len(duplicates := list(group)) > 1:
                for part in duplicates:
                    if self._read_rows(part):
                        self._remove_merged(part.path)

    def _drop_oldest(self) -> None:
        """Remove the oldest files, as long as the others have enough rows."""
        files = self._list_segments()
        while files and sum(part.rows for part in files[1:]) >= self.limit and self._has_enough(files[1:]):
            files.pop(0).path.unlink(missing_ok=True)

    def _has_enough(self, segments: Sequence[Segment]) -> bool:
        """Return whether the parts have as many ids as are kept at least: an answer may be corrected twice."""
        ids = set[str]()
        for part in reversed(segments):
            with _skip_damaged(part.path):
                ids.update(read_ids(part.path, self.kind))
            if len(ids) >= self.limit:
                return True
        return False

    def _merge(self) -> None:
        """Make one file of the older ones of small neighbours, where there are too many."""
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
            self._remove_merged(self._write(readable[-1].place, readable[-1].mark, rows, names))

    def _remove_merged(self, joined: Path) -> None:
        """Remove the files that a joined one stands for, the last of them last: while it is there, this is not done."""
        for name in json.loads(read_notes(joined, self.kind).get(MERGED_FROM, "[]")):
            if name != joined.name and NAME.fullmatch(name):
                (self.folder / name).unlink(missing_ok=True)

    def _read_rows(self, part: Segment) -> list[R]:
        with _skip_damaged(part.path):
            return list(read(part.path, self.kind))
        return []


@contextmanager
def _skip_damaged(path: Path) -> Iterator[None]:
    """Leave a file out that cannot be read within the block: one that is damaged for good."""
    try:
        yield
    except DamagedError as error:
        rename_damaged(path, error)
    except DataError as error:
        if path.exists():
            log.warning("left out: %s", error)


def _choose_time(files: Sequence[Segment]) -> str:
    """Return the place of a file that is written now: after all that are there, whatever the clock says."""
    place = datetime.now(UTC).strftime(TIME_FORMAT)
    if files:
        with suppress(ValueError, OverflowError):  # the name of a file that is none of ours
            following = datetime.strptime(files[-1].place, TIME_FORMAT).replace(tzinfo=UTC) + timedelta(microseconds=1)
            place = max(place, following.strftime(TIME_FORMAT))
    return place


def _keep_latest(rows: Iterable[R]) -> dict[str, R]:
    """Return the last row of each id, in the order of these."""
    latest: dict[str, R] = {}
    for row in rows:
        latest.pop(row.id, None)
        latest[row.id] = row
    return latest
