"""What a stage measures -> lines of a file of its own under ``.satiety/spool/``, until MLflow is at hand.

A file is called ``<time>-<stage>-<random>.open`` while its stage runs, and ``.jsonl`` once it has ended, well or not. A
running stage holds a lock on its file; the kernel drops it when the process dies, and so an orphan is known. What is
kept as an artifact lies beside it, in a folder of the same name.

The name without its ending is the run's *key*: the one name under which it is known here, in MLflow (as a tag), and to
the runs below it, whether MLflow has heard of it or not. `spooled.py` reads the files again.
"""

import fcntl
import hashlib
import json
import logging
import os
import posixpath
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from satiety.damaged import read_state
from satiety.errors import SetupError
from satiety.files import name_temporary, sweep, write_text, writing
from satiety.secrets import without_secrets
from satiety.section import Section
from satiety.settings import Settings, project_root
from satiety.state import STATE, prepare_state

SPOOL = STATE / "spool"
ARRIVED = STATE / "arrived"
"""Where each of the last runs is in MLflow: a small file per key."""
REMEMBERED = 500
"""Files of that kind that are kept, the newest."""
KEPT, ROOM = 2**22, 2**25
"""Bytes of one artifact, and of all artifacts of a run, at most: MLflow is for looking, DVC keeps the data."""
NAME = 120
"""Characters of a metric's name at most: a thousand of them then fit into one request to MLflow."""
_DIGEST = re.compile(r"[0-9a-f]{32,64}")
_REFUSED = re.compile(r"[^\w./ -]")
_UNFIT = re.compile(r"[^\w.-]")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where a run is in MLflow."""

    run_id: str
    experiment_id: str
    url: str | None
    """Of the run's page, where MLflow is a server; no user and no password in it."""


class Run:
    """One executed stage, or one flow above stages, as lines of its spool file."""

    def __init__(self, out: FileIO, head: Mapping[str, Any]) -> None:
        self._out = out
        self._folder = SPOOL / head["run"]
        """Of the artifacts."""
        self._room = ROOM
        self.ended = False
        self.head = head
        """The first line: what the run is known by before it has measured anything; its key is ``head["run"]``."""
        self.write(**head)

    def write(self, **line: Any) -> None:
        """Append one line, safe against a crash of this process; all of it or nothing."""
        text, begin = (json.dumps(line, ensure_ascii=False) + "\n").encode(), self._out.tell()
        try:
            with writing(SPOOL / f"{self.head['run']}.open"):
                while text:
                    text = text[self._out.write(text) :]
        finally:
            if text:
                self._out.seek(begin)
                self._out.truncate()

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Spool one point of a metric; a name that MLflow refuses is made safe, the original kept beside it."""
        safe = safe_name(name)
        original = {} if safe == name else {"name": name}
        self.write(metric=safe, value=value, step=step, time=_now(), **original)

    def fed(self, name: str, *, digest: str, uri: str, rows: int | None = None) -> None:
        """Spool what data the run was given: a name, what tells these bytes from others, and where they were."""
        self.write(input=name, digest=digest, uri=without_secrets(uri), rows=rows)

    def keep(self, path: Path) -> None:
        """Copy a small file, or the small files of a folder, for MLflow, which is given them as they are now."""
        files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        base = Path() if not path.is_absolute() and ".." not in path.parts else path.parent
        for file in files:
            size = file.stat().st_size
            if size > min(KEPT, self._room):
                log.info("%s: %s bytes are too many for an artifact of the run", file, f"{size:,}")
                continue
            self._room -= size
            self._copy(file, self._folder / file.relative_to(base))

    def _copy(self, file: Path, target: Path) -> None:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)

    def finish(self, values: Mapping[str, Any]) -> None:
        """Spool every number and every digest of a report, nested names joined by dots, and where it was computed."""
        for name in values.keys() & {"device", "precision"}:
            self.write(tag=f"satiety.{name}", value=values[name])
        for name, value in _leaves(values):
            if isinstance(value, str):
                self.write(tag=safe_name(name), value=value)
            else:
                self.metric(name, value)
        self.end("FINISHED")

    def end(self, status: str) -> None:
        """Spool how it ended: ``FINISHED``, ``FAILED`` or ``KILLED``. The first word is the last."""
        if not self.ended:
            self.write(end=_now(), status=status)
        self.ended = True


@contextmanager
def tracked(stage: str, params: Section) -> Iterator[Run]:
    """Open the stage's spool file; mark the run failed, or killed, where it did not come to its end."""
    fields = {f"{stage}.{name}": json.dumps(value, ensure_ascii=False) for name, value in params.model_dump().items()}
    with _spooled(stage, fields, Settings().parent_run) as run:
        yield run


@contextmanager
def parent(name: str, params: Mapping[str, str]) -> Iterator[Run]:
    """Open a spool file for a run that others belong to: they are given its key as `SATIETY_PARENT_RUN`.

    The key is ``run.head["run"]``. The run is finished where its block comes to its end, and marked failed or
    killed where it does not.
    """
    with _spooled(name, params, None) as run:
        yield run
        run.finish({})


@contextmanager
def _spooled(stage: str, fields: Mapping[str, str], above: str | None) -> Iterator[Run]:
    prepare_state()
    key = f"{time.time_ns()}-{_UNFIT.sub('_', stage)[:NAME]}-{uuid.uuid4().hex[:8]}"
    with _open_spool(SPOOL / f"{key}.open") as out:
        run = Run(out, _head(key, stage, fields, above))
        try:
            yield run
        except BaseException as error:
            with suppress(SetupError):  # the first error counts; the next delivery ends a file that could not be
                run.end("KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")
                _close(out, key)
            raise
        _close(out, key)


def _open_spool(running: Path) -> FileIO:
    """Make a spool file, locked before it can be seen, so that it is never taken for an orphan."""
    with writing(running):
        SPOOL.mkdir(parents=True, exist_ok=True)
        sweep(SPOOL)
        out = name_temporary(running).open("wb", buffering=0)
        fcntl.flock(out, fcntl.LOCK_EX)
        Path(out.name).rename(running)
    return out


def _close(out: FileIO, key: str) -> None:
    """Let a spool file be delivered."""
    running = SPOOL / f"{key}.open"
    with writing(running):
        os.fsync(out.fileno())
        running.rename(running.with_suffix(".jsonl"))


def born(key: str) -> tuple[int, str]:
    """Return when a run began, in milliseconds, and what it is called: its key says both."""
    began, _, rest = key.partition("-")
    return int(began) // 1_000_000, rest.rpartition("-")[0]


def kept(path: Path) -> Path:
    """Return the folder of the artifacts that belong to a spool file; it need not be there."""
    return path.with_suffix("")


def arrived(key: str) -> Arrived | None:
    """Return where the run of this key is in MLflow; None where it has not arrived there, or long ago."""
    where = read_state(ARRIVED / f"{key}.json", {"run_id": str, "experiment_id": str, "url": str | None})
    return Arrived(where["run_id"], where["experiment_id"], where["url"]) if where else None


def remember(key: str, where: Arrived) -> None:
    """Note where a run is in MLflow; forget the oldest notes."""
    path = ARRIVED / f"{key}.json"
    if arrived(key) != where:
        write_text(path, json.dumps(asdict(where)) + "\n")
        for old in sorted(ARRIVED.glob("*.json"))[:-REMEMBERED]:
            old.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """Return a name that MLflow takes: itself where it can be, else cleaned, with six digits of its hash."""
    cleaned = posixpath.normpath(_REFUSED.sub("_", name)).lstrip("/.")
    if cleaned == name and len(name) <= NAME:
        return name
    return f"{cleaned[: NAME - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _head(key: str, stage: str, fields: Mapping[str, str], above: str | None) -> dict[str, Any]:
    return {
        "run": key,
        "stage": stage,
        "start": born(key)[0],
        "parent": above,
        "workspace": str(Path.cwd().relative_to(project_root())),
        "settings": {"device": Settings().device},
        "params": {name: without_secrets(value) for name, value in fields.items()},
    }


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | str]]:
    """Yield the numbers and the digests. Other texts stay here: nobody has looked at what is in them."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
        elif isinstance(value, str) and _DIGEST.fullmatch(value):
            yield f"{prefix}{name}", value


def _now() -> int:
    """Return the time in milliseconds, as MLflow wants it."""
    return int(time.time() * 1000)
