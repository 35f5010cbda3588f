"""What DVC keeps -> whether its bytes are those that dvc.lock, or a .dvc file beside it, names.

DVC trusts the time and size of a file, so it never sees a byte that flips on disk: a stage would read it, and the cache
would restore it. Therefore a stage hashes what it reads, as DVC does: the MD5 of a file's bytes; of a folder the MD5 of
the JSON list of its files' MD5s and paths.
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
"""Seconds before another look at what a process may be writing just now."""
MAX_TRIES = 10
"""Looks at a dvc.lock that is being written."""
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Output:
    """A file or folder that DVC keeps, and the MD5 that it should have."""

    path: Path
    md5: str
    """Of a folder it ends in ``.dir``."""
    record: Path
    """The dvc.lock or .dvc file that names it."""
    stage: str = ""
    """The stage that makes it; none where a .dvc file names it."""

    @property
    def is_intact(self) -> bool:
        """Whether the bytes on disk are the right ones."""
        try:
            digest = folder_md5(self.path) if self.path.is_dir() else file_md5(self.path)
        except FileNotFoundError:  # it is being replaced
            return False
        return digest == self.md5.removesuffix(".dir")


def check(paths: Iterable[Path]) -> None:
    """Hash what DVC keeps of these paths of the working folder; paths that nothing names are passed over.

    Raises:
        DataError: names each path that is not whole, the file in it, and what mends it.
    """
    paths = [Path(os.path.relpath(path)) for path in paths]  # as dvc.lock writes them
    if not _find_damaged(paths):
        return
    time.sleep(PAUSE)  # dvc.lock may have been an older one than the files
    if damaged := _find_damaged(paths):
        from tasks.repair import describe_damage

        raise DataError("\n".join(describe_damage(damaged)))


def read_locked_outputs(lock: Path) -> list[Output]:
    """Return the outs that a dvc.lock names; their paths begin where the path of the lock does.

    Raises:
        DataError: it is broken.
    """
    try:
        stages = load_plain_yaml(_read_lock(lock))["stages"]
        return [output for stage, block in stages.items() for output in _parse_outputs(block, lock, stage)]
    except (yaml.YAMLError, KeyError, AttributeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{lock}: broken ({reason}); `git checkout` it, or remove it and run `dvc repro`") from None


def find_added_outputs(path: Path) -> Iterator[Output]:
    """Yield what `dvc add` keeps of a path: itself, what lies in it, a folder above it."""
    records = (step.with_name(f"{step.name}.dvc") for step in (path, *path.parents) if step.name)
    for record in [*records, *(sorted(path.rglob("*.dvc")) if path.is_dir() else ())]:
        if record.is_file():
            try:
                yield from _parse_outputs(load_plain_yaml(record.read_text(encoding="utf-8")), record)
            except (yaml.YAMLError, KeyError, AttributeError, TypeError, ValueError):
                raise DataError(f"{record}: broken; `git checkout` it, or `dvc add` what it names again") from None


def load_plain_yaml(text: str) -> Any:
    """Read YAML, every scalar as text: a path or a digest is one, whatever number it looks like."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  # makes texts, lists and mappings, nothing else


def file_md5(path: Path) -> str:
    """Return the MD5 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def folder_md5(folder: Path) -> str:
    """Return what DVC calls a folder, without the ending ``.dir``."""
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
    """Return the text of a dvc.lock; one without its last line end is being written, and is read again."""
    for _ in range(MAX_TRIES):
        if (text := lock.read_text(encoding="utf-8")).endswith("\n"):
            break
        time.sleep(PAUSE)
    return text


def _parse_outputs(block: Any, record: Path, stage: str = "") -> list[Output]:
    """Return the outs of a stage's entry, or of a .dvc file; those of a cloud's own versions have no MD5."""
    folder = record.parent / block.get("wdir", ".")
    entries = [entry for entry in block.get("outs", []) if "md5" in entry]
    return [Output(folder / entry["path"], str(entry["md5"]), record, stage) for entry in entries]


def _overlaps(output: Path, path: Path) -> bool:
    """Return whether a path is the out, or one lies in the other."""
    return output == path or output in path.parents or path in output.parents
