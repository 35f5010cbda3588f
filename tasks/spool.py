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

from satiety.core.errors import SetupError
from satiety.core.files import name_temporary, remove_stale, translate_errors, write_text
from satiety.core.secrets import redact_secrets
from satiety.core.section import Section
from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE, prepare_state
from satiety.core.state_files import read_state

SPOOL = STATE / "spool"
LOCATIONS = STATE / "arrived"
"""Where each of the last runs is in MLflow: a small file per key."""
MAX_LOCATIONS = 500
"""Files of that kind that are kept, the newest."""
MAX_ARTIFACT_BYTES, MAX_RUN_BYTES = 2**22, 2**25
"""Bytes of one artifact, and of all artifacts of a run, at most: MLflow is for looking, DVC keeps the data."""
MAX_NAME_LENGTH = 120
"""Characters of a metric's name at most: a thousand of them then fit into one request to MLflow."""
_DIGEST = re.compile(r"[0-9a-f]{32,64}")
_REFUSED_CHARACTERS = re.compile(r"[^\w./ -]")
_UNSAFE_CHARACTERS = re.compile(r"[^\w.-]")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunLocation:
    """Where a run is in MLflow."""

    run_id: str
    experiment_id: str
    url: str | None
    """Of the run's page, where MLflow is a server; no user and no password in it."""


class Run:
    """One executed stage, or one flow above stages, as lines of its spool file."""

    def __init__(self, file: FileIO, head: Mapping[str, Any]) -> None:
        self._file = file
        self._folder = SPOOL / head["run"]
        """Of the artifacts."""
        self._remaining_bytes = MAX_RUN_BYTES
        self.has_ended = False
        self.head = head
        """The first line: what the run is known by before it has measured anything; its key is ``head["run"]``."""
        self.write(**head)

    def write(self, **line: Any) -> None:
        """Append one line, safe against a crash of this process; all of it or nothing."""
        content, start = (json.dumps(line, ensure_ascii=False) + "\n").encode(), self._file.tell()
        try:
            with translate_errors(SPOOL / f"{self.head['run']}.open"):
                while content:
                    content = content[self._file.write(content) :]
        finally:
            if content:
                self._file.seek(start)
                self._file.truncate()

    def log_metric(self, name: str, value: float, step: int = 0) -> None:
        """Spool one point of a metric; a name that MLflow refuses is made safe, the original kept beside it."""
        safe = safe_name(name)
        original = {} if safe == name else {"name": name}
        self.write(metric=safe, value=value, step=step, time=_current_milliseconds(), **original)

    def log_input(self, name: str, *, digest: str, uri: str, rows: int | None = None) -> None:
        """Spool what data the run was given: a name, what tells these bytes from others, and where they were."""
        self.write(input=name, digest=digest, uri=redact_secrets(uri), rows=rows)

    def log_artifact(self, path: Path) -> None:
        """Copy a small file, or the small files of a folder, for MLflow, which is given them as they are now."""
        files = [path] if path.is_file() else sorted(child for child in path.rglob("*") if child.is_file())
        base = Path() if not path.is_absolute() and ".." not in path.parts else path.parent
        for file in files:
            size = file.stat().st_size
            if size > min(MAX_ARTIFACT_BYTES, self._remaining_bytes):
                log.info("%s: %s bytes are too many for an artifact of the run", file, f"{size:,}")
                continue
            self._remaining_bytes -= size
            self._copy(file, self._folder / file.relative_to(base))

    def _copy(self, file: Path, target: Path) -> None:
        with translate_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)

    def finish(self, values: Mapping[str, Any]) -> None:
        """Spool every number and every digest of a report, nested names joined by dots, and where it was computed."""
        for name in values.keys() & {"device", "precision"}:
            self.write(tag=f"satiety.{name}", value=values[name])
        for name, value in _iterate_leaves(values):
            if isinstance(value, str):
                self.write(tag=safe_name(name), value=value)
            else:
                self.log_metric(name, value)
        self.end("FINISHED")

    def end(self, status: str) -> None:
        """Spool how it ended: ``FINISHED``, ``FAILED`` or ``KILLED``. The first word is the last."""
        if not self.has_ended:
            self.write(end=_current_milliseconds(), status=status)
        self.has_ended = True


@contextmanager
def track_run(stage: str, params: Section) -> Iterator[Run]:
    """Open the stage's spool file; mark the run failed, or killed, where it did not come to its end."""
    fields = {f"{stage}.{name}": json.dumps(value, ensure_ascii=False) for name, value in params.model_dump().items()}
    with _spool_run(stage, fields, Settings().parent_run) as run:
        yield run


@contextmanager
def open_parent_run(name: str, params: Mapping[str, str]) -> Iterator[Run]:
    """Open a spool file for a run that others belong to: they are given its key as `SATIETY_PARENT_RUN`.

    The key is ``run.head["run"]``. The run is finished where its block comes to its end, and marked failed or
    killed where it does not.
    """
    with _spool_run(name, params, None) as run:
        yield run
        run.finish({})


@contextmanager
def _spool_run(stage: str, fields: Mapping[str, str], parent_key: str | None) -> Iterator[Run]:
    prepare_state()
    key = f"{time.time_ns()}-{_UNSAFE_CHARACTERS.sub('_', stage)[:MAX_NAME_LENGTH]}-{uuid.uuid4().hex[:8]}"
    with _open_spool(SPOOL / f"{key}.open") as file:
        run = Run(file, _build_head(key, stage, fields, parent_key))
        try:
            yield run
        except BaseException as error:
            with suppress(SetupError):  # the first error counts; the next delivery ends a file that could not be
                run.end("KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")
                _close(file, key)
            raise
        _close(file, key)


def _open_spool(path: Path) -> FileIO:
    """Make a spool file, locked before it can be seen, so that it is never taken for an orphan."""
    with translate_errors(path):
        SPOOL.mkdir(parents=True, exist_ok=True)
        remove_stale(SPOOL)
        file = name_temporary(path).open("wb", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        Path(file.name).rename(path)
    return file


def _close(file: FileIO, key: str) -> None:
    """Let a spool file be delivered."""
    path = SPOOL / f"{key}.open"
    with translate_errors(path):
        os.fsync(file.fileno())
        path.rename(path.with_suffix(".jsonl"))


def parse_key(key: str) -> tuple[int, str]:
    """Return when a run began, in milliseconds, and what it is called: its key says both."""
    start, _, remainder = key.partition("-")
    return int(start) // 1_000_000, remainder.rpartition("-")[0]


def locate_artifacts(path: Path) -> Path:
    """Return the folder of the artifacts that belong to a spool file; it need not be there."""
    return path.with_suffix("")


def find_location(key: str) -> RunLocation | None:
    """Return where the run of this key is in MLflow; None where it has not arrived there, or long ago."""
    location = read_state(LOCATIONS / f"{key}.json", {"run_id": str, "experiment_id": str, "url": str | None})
    return RunLocation(location["run_id"], location["experiment_id"], location["url"]) if location else None


def save_location(key: str, location: RunLocation) -> None:
    """Note where a run is in MLflow; forget the oldest notes."""
    path = LOCATIONS / f"{key}.json"
    if find_location(key) != location:
        write_text(path, json.dumps(asdict(location)) + "\n")
        for note in sorted(LOCATIONS.glob("*.json"))[:-MAX_LOCATIONS]:
            note.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """Return a name that MLflow takes: itself where it can be, else cleaned, with six digits of its hash."""
    cleaned = posixpath.normpath(_REFUSED_CHARACTERS.sub("_", name)).lstrip("/.")
    if cleaned == name and len(name) <= MAX_NAME_LENGTH:
        return name
    return f"{cleaned[: MAX_NAME_LENGTH - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _build_head(key: str, stage: str, fields: Mapping[str, str], parent_key: str | None) -> dict[str, Any]:
    return {
        "run": key,
        "stage": stage,
        "start": parse_key(key)[0],
        "parent": parent_key,
        "workspace": str(Path.cwd().relative_to(project_root())),
        "settings": {"device": Settings().device},
        "params": {name: redact_secrets(value) for name, value in fields.items()},
    }


def _iterate_leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | str]]:
    """Yield the numbers and the digests. Other texts stay here: nobody has looked at what is in them."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _iterate_leaves(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
        elif isinstance(value, str) and _DIGEST.fullmatch(value):
            yield f"{prefix}{name}", value


def _current_milliseconds() -> int:
    """Return the time in milliseconds, as MLflow wants it."""
    return int(time.time() * 1000)
