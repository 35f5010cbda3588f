"""Overrides of params.yaml for one run: they travel as DVC experiment settings, and the file is put back afterwards.

    dvc exp run --single-item <first stage> -S block.field=value …     writes them into params.yaml, and begins
    dvc repro --single-item …                                          the other stages, as in any run
    dvc exp save                                                       the whole becomes one experiment of that name

Should the run die in between, the next one puts the file back first.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.dvc import DVC
from satiety.files import replacing
from satiety.section import PARAMS_FILE

KEPT = Path(".satiety/params.yaml")
"""What params.yaml was before the overrides."""


def put_back() -> bool:
    """Put params.yaml back as it was before a run with overrides; return whether it had to be."""
    if not KEPT.exists():
        return False
    _copy(KEPT, PARAMS_FILE)
    KEPT.unlink()
    return True


@contextmanager
def lent() -> Iterator[None]:
    """Let params.yaml be changed within the block."""
    _copy(PARAMS_FILE, KEPT)
    try:
        yield
    finally:
        put_back()


def setting(stage: str, overrides: Sequence[str], name: str) -> list[str]:
    """Return the command that begins the experiment: it sets the overrides, and reproduces its first stage."""
    changes = [word for override in overrides for word in ("-S", override)]
    return [*DVC, "exp", "run", "--single-item", stage, "--name", name, "--force", *changes]


def saving(stages: Iterable[str], name: str) -> list[str]:
    """Return the command that makes one experiment of what these stages made; other workspaces may be unfinished."""
    return [*DVC, "exp", "save", *stages, "--name", name, "--force", "--include-untracked", "dvc.lock"]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
    os.utime(target)
