"""What a stage measures -> lines of a file of its own under ``.satiety/spool/``, until MLflow is at hand.

A file is called ``<time>-<stage>-<random>.open`` while its stage runs, and ``.jsonl`` once it has ended, well or not. A
running stage holds a lock on its file; the kernel drops it when the process dies, and so an orphan is known.
"""

import fcntl
import hashlib
import json
import logging
import os
import posixpath
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from satiety.errors import SetupError
from satiety.section import Section
from satiety.settings import Settings, project_root

SPOOL = Path(".satiety/spool")
NAME = 120
"""Characters of a metric's name at most: a thousand of them then fit into one request to MLflow."""
_DIGEST = re.compile(r"[0-9a-f]{32,64}")
_REFUSED = re.compile(r"[^\w./ -]")
log = logging.getLogger(__name__)


class Run:
    """One executed stage, as lines of its spool file."""

    def __init__(self, out: TextIO, head: Mapping[str, Any]) -> None:
        self._out = out
        self.head = head
        """The first line: what the run is known by before it has measured anything."""
        self.write(**head)

    def write(self, **line: Any) -> None:
        """Append one line, safe against a crash of this process."""
        try:
            self._out.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._out.flush()
        except OSError as error:
            raise SetupError(f"{self._out.name}: cannot write: {error.strerror}") from error

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Spool one point of a metric; a name that MLflow refuses is made safe, the original kept beside it."""
        safe = safe_name(name)
        original = {} if safe == name else {"name": name}
        self.write(metric=safe, value=value, step=step, time=_now(), **original)

    def finish(self, values: Mapping[str, Any]) -> None:
        """Spool every number and every digest of a report, nested names joined by dots, and where it was computed."""
        for name in values.keys() & {"device", "precision"}:
            self.write(tag=f"satiety.{name}", value=values[name])
        for name, value in _leaves(values):
            if isinstance(value, str):
                self.write(tag=safe_name(name), value=value)
            else:
                self.metric(name, value)
        self.write(end=_now(), status="FINISHED")


@contextmanager
def tracked(stage: str, params: Section) -> Iterator[Run]:
    """Open the stage's spool file; mark the run failed, or killed, where it did not come to its end."""
    SPOOL.mkdir(parents=True, exist_ok=True)
    key = f"{time.time_ns()}-{stage}-{uuid.uuid4().hex[:8]}"
    unborn, running = SPOOL / f"{key}.new", SPOOL / f"{key}.open"
    with unborn.open("w", encoding="utf-8") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        unborn.rename(running)  # locked before it can be seen: never taken for an orphan
        run = Run(out, _head(key, stage, params))
        try:
            yield run
        except (KeyboardInterrupt, SystemExit):
            run.write(end=_now(), status="KILLED")
            raise
        except BaseException:
            run.write(end=_now(), status="FAILED")
            raise
        finally:
            out.flush()
            os.fsync(out.fileno())
            running.rename(SPOOL / f"{key}.jsonl")


def finished() -> list[Path]:
    """Return the spool files that can be delivered, oldest first; those of processes that died are closed first."""
    for path in SPOOL.glob("*.open"):
        _close_orphan(path)
    return sorted(SPOOL.glob("*.jsonl"))


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a spool file; the first is the run's head."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def safe_name(name: str) -> str:
    """Return a name that MLflow takes: itself where it can be, else cleaned, with six digits of its hash."""
    cleaned = posixpath.normpath(_REFUSED.sub("_", name)).lstrip("/.")
    if cleaned == name and len(name) <= NAME:
        return name
    return f"{cleaned[: NAME - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _head(key: str, stage: str, params: Section) -> dict[str, Any]:
    settings = Settings()
    fields = {f"{stage}.{name}": json.dumps(value, ensure_ascii=False) for name, value in params.model_dump().items()}
    return {
        "run": key,
        "stage": stage,
        "start": _now(),
        "parent": settings.parent_run,
        "workspace": str(Path.cwd().relative_to(project_root())),
        "settings": {"device": settings.device},
        "params": fields,
    }


def _close_orphan(path: Path) -> None:
    """End the file of a process that died; leave that of one that lives."""
    try:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            whole = [line for line in file if line.endswith("\n")]
            if whole and "end" not in json.loads(whole[-1]):
                whole.append(json.dumps({"end": int(path.stat().st_mtime * 1000), "status": "KILLED"}) + "\n")
            file.seek(0)
            file.truncate()
            file.writelines(whole)
            file.flush()
            os.fsync(file.fileno())
            path.rename(path.with_suffix(".jsonl")) if whole else path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return  # it runs, or another process closed it meanwhile


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
