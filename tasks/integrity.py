"""Files tracked by DVC -> whether their MD5 matches dvc.lock or their .dvc file.

DVC compares the time and size of a file, so it does not detect a flipped byte on disk: stages would read it, and the
cache would restore it. Each stage therefore hashes its inputs as DVC does: the MD5 of a file's bytes, and for a folder
the MD5 of the JSON list of its files' MD5s and paths.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from satiety.core.errors import DataError

LOCK = Path("dvc.lock")
PAUSE = 0.3
"""Seconds before a file that may be in the middle of a write is read again."""
MAX_TRIES = 10
"""Maximum reads of a dvc.lock that is being written."""
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Output:
    """File or folder tracked by DVC, with its recorded MD5."""

    path: Path
    md5: str
    """Ends in ``.dir`` for a folder."""
    record: Path
    """The dvc.lock or .dvc file that contains the MD5."""
    stage: str = ""
    """The stage that writes it; empty for a .dvc file."""

    @property
    def is_intact(self) -> bool:
        """Whether the MD5 on disk is the recorded one."""
        try:
            digest = folder_md5(self.path) if self.path.is_dir() else file_md5(self.path)
        except FileNotFoundError:  # it is being replaced
            return False
        return digest == self.md5.removesuffix(".dir")


def check_hashes(paths: Iterable[Path]) -> None:
    """Hash these paths of the working folder, as far as DVC tracks them.

    Raises:
        DataError: lists each damaged path, the damaged files in it, and the commands that restore it.
    """
    paths = [Path(os.path.relpath(path)) for path in paths]  # relative, as in dvc.lock
    if not _find_damaged(paths):
        return
    time.sleep(PAUSE)  # DVC may just be updating dvc.lock
    if damaged := _find_damaged(paths):
        from tasks.repair import describe_damage

        raise DataError("\n".join(describe_damage(damaged)))


def read_locked_outputs(lock: Path) -> list[Output]:
    """Return the outputs in a dvc.lock; their paths are relative to the same folder as ``lock``.

    Raises:
        DataError: the lock is not valid.
    """
    try:
        stages = load_plain_yaml(_read_lock(lock))["stages"]
        return [output for stage, block in stages.items() for output in _parse_outputs(block, lock, stage)]
    except (yaml.YAMLError, KeyError, AttributeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{lock}: invalid ({reason}); `git checkout {lock}`, or remove it and run `dvc repro`"
        ) from None


def find_added_outputs(path: Path) -> Iterator[Output]:
    """Yield the outputs tracked by `dvc add` that are the path, are inside it, or contain it."""
    records = (step.with_name(f"{step.name}.dvc") for step in (path, *path.parents) if step.name)
    for record in [*records, *(sorted(path.rglob("*.dvc")) if path.is_dir() else ())]:
        if record.is_file():
            try:
                yield from _parse_outputs(load_plain_yaml(record.read_text(encoding="utf-8")), record)
            except (yaml.YAMLError, KeyError, AttributeError, TypeError, ValueError):
                raise DataError(f"{record}: invalid; `git checkout {record}`, or `dvc add` its file again") from None


def load_plain_yaml(text: str) -> Any:
    """Parse YAML with all scalars as strings, since a digest may look like a number."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  # builds strings, lists and mappings only


def file_md5(path: Path) -> str:
    """Return the MD5 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def folder_md5(folder: Path) -> str:
    """Return DVC's MD5 of a folder, without the suffix ``.dir``."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    listing = [{"md5": file_md5(path), "relpath": name} for name, path in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _find_damaged(paths: Iterable[Path]) -> list[Output]:
    locked = read_locked_outputs(LOCK) if LOCK.is_file() else []
    outputs = [
        output
        for path in paths
        for output in [*(output for output in locked if _overlaps(output.path, path)), *find_added_outputs(path)]
    ]
    return [output for output in dict.fromkeys(outputs) if output.path.exists() and not output.is_intact]


def _read_lock(lock: Path) -> str:
    """Read a dvc.lock; without a final newline it is still being written, so it is read again."""
    for _ in range(MAX_TRIES):
        if (text := lock.read_text(encoding="utf-8")).endswith("\n"):
            break
        time.sleep(PAUSE)
    return text


def _parse_outputs(block: Any, record: Path, stage: str = "") -> list[Output]:
    """Return the outputs of a stage or .dvc file that have an MD5; cloud-versioned outputs have none."""
    folder = record.parent / block.get("wdir", ".")
    entries = [entry for entry in block.get("outs", []) if "md5" in entry]
    return [Output(folder / entry["path"], str(entry["md5"]), record, stage) for entry in entries]


def _overlaps(output: Path, path: Path) -> bool:
    """Return whether output and path are equal or one contains the other."""
    return output == path or output in path.parents or path in output.parents
