"""The files of ``.satiety/spool/``, read again: those that can be delivered, whole, and closed where a process died.

A file that a power loss has torn or filled with NULs holds up no other: it is put aside, and the log says so.
"""

import fcntl
import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satiety.core.errors import DamagedError
from satiety.core.state_files import Shape, check_keys, parse, rename_damaged
from tasks.spool import SPOOL

HEAD: Shape = {
    "run": str,
    "stage": str,
    "start": int,
    "parent": str | None,
    "workspace": str,
    "settings": dict,
    "params": dict,
}
SHAPES: Mapping[str, Shape] = {
    "metric": {"metric": str, "value": int | float, "step": int, "time": int},
    "tag": {"tag": str, "value": str},
    "input": {"input": str, "digest": str, "uri": str, "rows": int | None},
    "end": {"end": int, "status": str},
}
"""What each kind of line has; the first key is that of its kind."""
_KEY_PATTERN = re.compile(r"\d+-[\w.-]+-[0-9a-f]{8}")
log = logging.getLogger(__name__)


def close_and_list() -> list[Path]:
    """Return the spool files that can be delivered, oldest first.

    Those of processes that died are closed first; one that is damaged is put aside, and the log says so.
    """
    for path in SPOOL.glob("*.open"):
        _close_orphan(path)
    return sorted(SPOOL.glob("*.jsonl"))


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a spool file; the first is the run's head.

    Raises:
        DamagedError: they are not what a `Run` writes: torn, filled with NULs, or not of its shape.
    """
    return _parse_lines(path, path.read_bytes())


def _parse_lines(path: Path, text: bytes) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for number, line in enumerate(text.split(b"\n"), start=1):
        try:
            if line:
                lines.append(parse(line, {} if lines else HEAD))
                check_keys(lines[-1], next((shape for kind, shape in SHAPES.items() if kind in lines[-1]), {}))
        except ValueError as error:
            raise DamagedError(f"{path}:{number}: no line of a run: {error}") from None
    if not lines or not _KEY_PATTERN.fullmatch(lines[0]["run"]):
        raise DamagedError(f"{path}: does not begin with the head of a run")
    return lines


def _close_orphan(path: Path) -> None:
    """End the file of a process that died; leave that of one that lives."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = file.read()
            complete_lines = text[: text.rfind(b"\n") + 1]  # of a line that was cut off nothing is known
            if not text:
                path.unlink()
                return
            if "end" not in _parse_lines(path, complete_lines)[-1]:
                end = {"end": int(path.stat().st_mtime * 1000), "status": "KILLED"}
                file.seek(len(complete_lines))
                file.truncate()
                file.write(json.dumps(end).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            path.rename(path.with_suffix(".jsonl"))
    except DamagedError as error:
        rename_damaged(path, error)
    except (BlockingIOError, FileNotFoundError):
        return  # it runs, or another process closed it meanwhile
    except OSError as error:
        log.warning("%s: of a process that died; cannot be closed now: %s", path, error.strerror)
