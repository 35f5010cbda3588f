"""DVC's own files, which it rewrites in place and a kill may cut off -> whole again: dvc.lock, and rwlock.

dvc.lock is also put into the order of the stages. ``.dvc/tmp/rwlock`` names the commands of DVC that run now; while DVC
cannot read it, it begins no other.
"""

import fcntl
import json
import logging
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from satiety.core.files import write_text
from satiety.core.settings import project_root
from satiety.core.state_files import rename_damaged

FILE = Path("dvc.lock")
RWLOCK = Path(".dvc/tmp/rwlock")
GUARD = Path(".dvc/tmp/rwlock.lock")
"""What DVC locks while it rewrites the file above."""
OURS = Path(".dvc/tmp/satiety.lock")
PAUSE = 0.5
"""Seconds between two looks: a DVC that lives has ended its writing by then."""
_ENTRY = re.compile(r"(?m)^(?=  [^ \n][^\n]*:$)")
"""Where the entry of a stage begins."""
log = logging.getLogger(__name__)


def sort_entries(stages: Iterable[str]) -> None:
    """Put the entries into the order of the stages; DVC writes them as stages end, side by side or not."""
    if not FILE.is_file():
        return
    text = FILE.read_text(encoding="utf-8")
    head, *parts = _ENTRY.split(text)
    entries = {part.partition(":")[0].strip(" '\""): part for part in parts}
    names = [name for name in stages if name in entries]
    sorted_text = head + "".join(entries[name] for name in [*names, *(name for name in entries if name not in names)])
    if sorted_text != text:
        write_text(FILE, sorted_text)


def repair() -> None:
    """Mend dvc.lock here, and the rwlock of the project. Nobody else may be at work in the folder."""
    repair_dvc_lock()
    repair_rwlock(project_root(Path.cwd()))


def repair_dvc_lock() -> bool:
    """Drop what a kill left half-written; return whether there was any. DVC's cache has the results of what is dropped.

    A `dvc repro` of somebody's own is given a moment to end its writing.
    """
    if not FILE.is_file() or is_complete(_read_text()):
        return False
    time.sleep(PAUSE)
    text = _read_text()
    if is_complete(text):
        return False
    lines, end, _ = text.rpartition("\n")  # what follows is no whole line
    head, *parts = _ENTRY.split(lines + end)
    intact = [part for part in parts if is_complete(head + part)]
    if intact:
        write_text(FILE, head + "".join(intact))
    else:
        FILE.unlink()
    log.warning(
        "%s was cut off while DVC wrote it: %d of its entries are kept, the cache has the rest", FILE, len(intact)
    )
    return True


def repair_rwlock(root: Path) -> bool:
    """Put a project's rwlock aside where it is empty or cut off; return whether it was. A whole one is left alone."""
    path = root / RWLOCK
    if _is_readable(path):
        return False
    with FileLock(root / OURS):
        time.sleep(PAUSE)
        with _hold_guard(root / GUARD) as is_free:
            if not is_free or _is_readable(path):
                return False
            rename_damaged(path, "it was cut off while DVC wrote it; DVC makes it anew")
    return True


def is_complete(text: str) -> bool:
    """Return whether DVC can read it: a schema, and of every stage a command, and paths of what it reads and makes."""
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    stages = content.get("stages") if isinstance(content, dict) and "schema" in content else None
    return isinstance(stages, dict) and text.endswith("\n") and all(map(_is_complete_stage, stages.values()))


def _is_complete_stage(stage: Any) -> bool:
    if not isinstance(stage, dict) or not isinstance(stage.get("cmd"), str | list):
        return False
    paths = [entry for kind in ("deps", "outs") for entry in stage.get(kind) or ()]
    return all(isinstance(entry, dict) and isinstance(entry.get("path"), str) for entry in paths)


def _read_text() -> str:
    return FILE.read_text(encoding="utf-8", errors="replace")  # it may be cut off within a character


def _is_readable(path: Path) -> bool:
    """Return whether DVC can begin with it: there is none, or a JSON object."""
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except FileNotFoundError:
        return True
    except (ValueError, RecursionError):
        return False


@contextmanager
def _hold_guard(path: Path) -> Iterator[bool]:
    """Keep DVC from rewriting the file within the block; give whether it is at it already.

    The guard is not made where there is none: a DVC with `core.hardlink_lock` would take it for a lock that is held.
    """
    if not path.is_file():
        yield True
        return
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
