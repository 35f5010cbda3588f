"""Repair the files that a killed run left damaged or changed: dvc.lock, DVC's rwlock, and params.yaml.

DVC rewrites dvc.lock and ``.dvc/tmp/rwlock`` in place, so a kill may truncate them; DVC does not start while it cannot
parse rwlock, its list of running commands. A run with overrides edits params.yaml; the original is in ``BACKUP``.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from satiety.core.errors import BusyError
from satiety.core.files import write_atomically, write_text
from satiety.core.section import PARAMS_FILE
from satiety.core.settings import project_root
from satiety.core.state import STATE
from satiety.core.state_files import rename_damaged
from tasks.stage import hold_lock

DVC_LOCK = Path("dvc.lock")
RWLOCK = Path(".dvc/tmp/rwlock")
GUARD = Path(".dvc/tmp/rwlock.lock")
"""DVC holds a lock on this file while it rewrites ``RWLOCK``."""
REPAIR_LOCK = Path(".dvc/tmp/satiety.lock")
PAUSE = 0.5
"""Seconds between two reads of a truncated file; a live DVC has finished writing by then."""
BACKUP = STATE / "params.yaml"
"""params.yaml as it was before the overrides."""
EDITED = Path("params.yaml.edited")
WRITE_SECONDS = 20.0
"""Seconds within which DVC has written the overrides; a later change of params.yaml is an edit by the user."""
_ENTRY = re.compile(r"(?m)^(?=  [^ \n][^\n]*:$)")
"""Start of a stage's entry in dvc.lock."""
log = logging.getLogger(__name__)


def sort_entries(stages: Iterable[str]) -> None:
    """Sort dvc.lock by the order of the stages; DVC appends entries in the order in which stages end."""
    if not DVC_LOCK.is_file():
        return
    text = DVC_LOCK.read_text(encoding="utf-8")
    head, *parts = _ENTRY.split(text)
    entries = {part.partition(":")[0].strip(" '\""): part for part in parts}
    names = [name for name in stages if name in entries]
    sorted_text = head + "".join(entries[name] for name in [*names, *(name for name in entries if name not in names)])
    if sorted_text != text:
        write_text(DVC_LOCK, sorted_text)


def repair() -> None:
    """Repair dvc.lock in the current folder and the project's rwlock. The caller holds the lock of the pipeline."""
    repair_dvc_lock()
    repair_rwlock(project_root(Path.cwd()))


def repair_dvc_lock() -> bool:
    """Drop truncated entries from dvc.lock; return whether there were any. DVC's cache still has their results."""
    if not DVC_LOCK.is_file() or is_complete(_read_dvc_lock()):
        return False

    # It may be a `dvc repro` of the user that is writing right now.
    time.sleep(PAUSE)
    text = _read_dvc_lock()
    if is_complete(text):
        return False

    lines, end, _ = text.rpartition("\n")  # the rest is a truncated line
    head, *parts = _ENTRY.split(lines + end)
    intact = [part for part in parts if is_complete(head + part)]
    if intact:
        write_text(DVC_LOCK, head + "".join(intact))
    else:
        DVC_LOCK.unlink()
    log.warning(
        "%s was truncated: kept %d complete entries; `dvc repro` restores the others from the cache",
        DVC_LOCK,
        len(intact),
    )
    return True


def _read_dvc_lock() -> str:
    return DVC_LOCK.read_text(encoding="utf-8", errors="replace")  # it may be truncated within a character


def is_complete(text: str) -> bool:
    """Return whether DVC can parse dvc.lock: a schema and, for each stage, a command and the paths of deps and outs."""
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


def repair_rwlock(root: Path) -> bool:
    """Rename a project's rwlock if it is empty or truncated; return whether it was renamed."""
    path = root / RWLOCK
    if _is_readable(path):
        return False
    with FileLock(root / REPAIR_LOCK):
        time.sleep(PAUSE)
        with _hold_guard(root / GUARD) as is_free:
            if not is_free or _is_readable(path):
                return False
            rename_damaged(path, "it was truncated while DVC wrote it; DVC creates a new one")
    return True


def _is_readable(path: Path) -> bool:
    """Return whether DVC accepts its rwlock: the file is missing or contains a JSON object."""
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except FileNotFoundError:
        return True
    except (ValueError, RecursionError):
        return False


@contextmanager
def _hold_guard(guard_file: Path) -> Iterator[bool]:
    """Keep DVC from rewriting rwlock within the block; yield False if DVC is writing it already.

    Without a guard file DVC has not run here yet, and nothing needs a lock.
    """
    if not guard_file.is_file():
        yield True
        return
    with guard_file.open("r+") as file:
        try:  # fcntl, since filelock may create the file, which is a held lock to a DVC with `core.hardlink_lock`
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def recover(folder: Path) -> bool:
    """Repair what a killed run left in a folder; return whether params.yaml was restored.

    Nothing in the folder changes while a flow runs there.
    """
    repair_rwlock(project_root(folder))
    if not (folder / BACKUP).exists() and not (folder / DVC_LOCK).exists():
        return False
    with chdir(folder):
        try:
            with hold_lock("pipeline"):
                repair_dvc_lock()
                return restore_params()
        except BusyError:
            return False


@contextmanager
def preserve_params() -> Iterator[None]:
    """Restore params.yaml at the end of the block."""
    _copy(PARAMS_FILE, BACKUP)
    try:
        yield
    finally:
        restore_params()


def restore_params() -> bool:
    """Restore params.yaml from the backup, if there is one; return whether there was.

    Edits that a user made during the run are saved to ``EDITED``.
    """
    if not BACKUP.exists():
        return False
    if PARAMS_FILE.exists() and PARAMS_FILE.stat().st_mtime > BACKUP.stat().st_mtime + WRITE_SECONDS:
        _copy(PARAMS_FILE, EDITED)
        log.warning("%s was edited during a run with overrides; the edited file is saved as %s", PARAMS_FILE, EDITED)
    _copy(BACKUP, PARAMS_FILE)
    BACKUP.unlink()
    return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(target) as temporary:
        shutil.copyfile(source, temporary)
    os.utime(target)
