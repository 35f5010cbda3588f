"""Overrides of params.yaml for one run: they travel as DVC experiment settings, and the file is put back afterwards.

    dvc exp run --single-item <first stage> -S ++block.field=value …   writes them into params.yaml, and begins
    dvc repro --single-item …                                          the other stages, as in any run
    dvc exp save                                                       the whole becomes one experiment of that name

Should the run die in between, the next one puts the file back first, and so does `satiety check`, as in `make run`.
"""

import logging
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from flows import lock
from flows.dvc import DVC
from satiety.core.errors import BusyError
from satiety.core.files import write_atomically
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.core.settings import project_root
from satiety.core.state import STATE
from tasks.stage import hold_lock

BACKUP = STATE / "params.yaml"
"""What params.yaml was before the overrides."""
EDITED = Path("params.yaml.edited")
WRITE_SECONDS = 20.0
"""Seconds within which DVC has written the overrides; who changes the file later is somebody else."""
log = logging.getLogger(__name__)


def recover(folder: Path) -> bool:
    """Mend what a run that died has left; return whether params.yaml was put back. A run at work is left alone."""
    lock.repair_rwlock(project_root(folder))
    if not (folder / BACKUP).exists() and not (folder / lock.FILE).exists():
        return False
    with chdir(folder):
        try:
            with hold_lock("pipeline"):
                lock.repair_dvc_lock()
                return restore_params()
        except BusyError:
            return False


def restore_params() -> bool:
    """Put params.yaml back as it was before a run with overrides; return whether it had to be.

    What somebody wrote into it meanwhile is kept beside it.
    """
    if not BACKUP.exists():
        return False
    if PARAMS_FILE.exists() and PARAMS_FILE.stat().st_mtime > BACKUP.stat().st_mtime + WRITE_SECONDS:
        _copy(PARAMS_FILE, EDITED)
        log.warning("%s was edited while a run with overrides had it; as edited it is kept in %s", PARAMS_FILE, EDITED)
    _copy(BACKUP, PARAMS_FILE)
    BACKUP.unlink()
    return True


@contextmanager
def preserve_params() -> Iterator[None]:
    """Let params.yaml be changed within the block."""
    _copy(PARAMS_FILE, BACKUP)
    try:
        yield
    finally:
        restore_params()


def build_run_command(stage: str, overrides: Sequence[str], name: str) -> list[str]:
    """Return the command that begins the experiment: it sets the overrides, and reproduces its first stage."""
    values = read_yaml(PARAMS_FILE)
    changes = [word for override in overrides for change in _to_hydra(override, values) for word in ("-S", change)]
    return [*DVC, "exp", "run", "--single-item", stage, "--name", name, *changes]


def _to_hydra(override: str, values: Any) -> list[str]:
    """Return an override as Hydra takes it: ``++`` sets what the file has and what it leaves to the default alike.

    A mapping would be merged with the one that stands there; it is taken away first.
    """
    name, _, value = override.partition("=")
    for key in name.strip().split("."):
        values = values.get(key) if isinstance(values, dict) else None
    replaces_mapping = value.strip().startswith("{") and isinstance(values, dict)
    return [*([f"~{name.strip()}"] if replaces_mapping else []), f"++{override.strip()}"]


def build_save_command(stages: Collection[str], name: str) -> list[str]:
    """Return the command that makes one experiment of what these stages made; other workspaces may be unfinished."""
    files = ["dvc.lock", "plots", *(f"reports/{stage}.json" for stage in stages)]
    untracked = [word for path in files if Path(path).exists() for word in ("--include-untracked", path)]
    return [*DVC, "exp", "save", *stages, "--name", name, "--force", *untracked]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(target) as temporary:
        shutil.copyfile(source, temporary)
    os.utime(target)
