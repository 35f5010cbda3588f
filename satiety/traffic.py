"""What a model was asked and what it answered, kept for those who watch over it: bounded, whole after any kill.

Every append is a Parquet file of its own, so writers need no lock and a file is there whole or not at all. Its name
says when it was written, how many rows it has, and which of those of one moment it is. Of too many small files the
older ones are made one; of too many rows the oldest go. Whatever is cut off in between, or done by two at once, leaves
rows twice at most, and the reader takes each once.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from satiety.errors import DataError
from satiety.evaluate.answers import write as told
from satiety.masking import KINDS, mask, mask_spans
from satiety.problems.base import Prediction
from satiety.records import Served, Span, read, write

log = logging.getLogger(__name__)

OURS = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+-[0-9a-f]{12}\.parquet")
"""Names of the files that are of the record; what else lies in the folder is left alone."""
LEFT = re.compile(rf"\.{OURS.pattern}\.\d+\.tmp")
"""And of those that somebody began."""
ABANDONED = 3600
"""Seconds after which a file that nobody finished is taken for left behind."""
SHARE = 8
"""A file is joined with others up to this part of the limit, so that what goes at once is no more than about that."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A folder of answered texts."""

    folder: Path
    limit: int = 200_000
    """Rows that are kept at least, once there are so many; the oldest files beyond go."""
    parts: int = 256
    """Small files from which on the older ones are made one."""

    def add(self, rows: Sequence[Served]) -> None:
        """Append rows.

        Raises:
            SetupError: the disk is full, read-only or forbidden; nothing was appended then.
        """
        if rows:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            write(self.folder / f"{stamp}-{len(rows)}-{uuid.uuid4().hex[:12]}.parquet", rows, Served)
            self._tidy()

    def read(self) -> list[Served]:
        """Return every row once, in order of time. What is no whole file is left out, and said."""
        found: dict[str, Served] = {}
        waiting = self._files()
        while waiting:
            for path in waiting:
                found |= {row.id: row for row in _rows(path)}
            gone = any(not path.exists() for path in waiting)  # made one with others, meanwhile
            waiting = [path for path in self._files() if path not in waiting] if gone else []
        return sorted(found.values(), key=lambda row: (row.time, row.id))

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
        whole = {path: found for path in files if (found := _rows(path))}  # what is damaged stays, to be looked at
        rows = {row.id: row for one in whole.values() for row in one}
        stamp = files[-1].name.split("-", 1)[0]
        write(self.folder / f"{stamp}-{len(rows)}-{uuid.uuid4().hex[:12]}.parquet", rows.values(), Served)
        for path in whole:
            path.unlink(missing_ok=True)


def served(texts: Sequence[str], answers: Sequence[Prediction], model: str, seconds: float) -> Iterator[Served]:
    """Yield what is kept of a batch that a model answered: no personal data, and no span that holds a part of some.

    Args:
        texts: as they were asked.
        answers: one per text.
        model: digest of the package.
        seconds: that the batch took.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    for text, answer in zip(texts, answers, strict=True):
        yield Served(
            id=uuid.uuid4().hex,
            time=now,
            text=mask(text, KINDS)[0],
            answer=told(Prediction(answer.label, tuple(_moved(text, answer.spans)))),
            confidence=float(answer.confidence),
            scores=json.dumps({name: float(score) for name, score in answer.scores.items()} if answer.label else {}),
            latency=seconds / len(texts),
            model=model,
        )


def _moved(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        with suppress(ValueError):  # it cuts what is masked
            yield from mask_spans(text, (span,), KINDS)[1]


def _count(path: Path) -> int:
    return int(path.name.split("-")[1])


def _rows(path: Path) -> list[Served]:
    try:
        return list(read(path, Served))
    except DataError as error:
        if path.exists():
            log.warning("left out: %s", error)
        return []
