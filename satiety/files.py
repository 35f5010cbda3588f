"""Write files whole or not at all: a temporary name beside the target, fsync, rename."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from satiety.errors import SetupError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write a file or a folder to; rename it to ``path`` when all went well.

    Raises:
        SetupError: the disk is full, read-only or forbidden, or ``path`` is something that must not go: a folder or a
            device where a file is written, a file where a folder is. Names the path, which stays as it was.
    """
    if not path.name:
        raise SetupError(f"{path}: is a folder; name a file in it")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if path.exists() and not (path.is_dir() if temporary.is_dir() else path.is_file()):
            raise SetupError(f"{path}: is there, and of another kind than what is written; choose another name")
        _sync(temporary)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as error:
        if error.errno is None:
            raise
        raise SetupError(f"{error.filename or path}: cannot write: {os.strerror(error.errno)}") from error
    finally:
        _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Replace a file's text in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by POSIX path relative to it, in order of path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def digest(entries: dict[str, str]) -> str:
    """Return one SHA-256 for a manifest: that of the lines ``sha256sum`` would print for it."""
    lines = "".join(f"{value}  {name}\n" for name, value in sorted(entries.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sync(path: Path) -> None:
    for target in [path, *path.rglob("*")] if path.is_dir() else [path]:
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # a disk that refuses may refuse this too; the first error counts
            path.unlink()
