"""Write files whole or not at all: a temporary name beside the target, fsync, rename.

A temporary is called ``.<name>.<host>-<process>.tmp``. What a process that died left of them goes as soon as anything
is written into the same folder on the same host.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from satiety.core.errors import SatietyError, SetupError

TEMPORARY = re.compile(r"\..+\.(?P<host>[0-9a-f]{8})-(?P<process>\d+)\.tmp.*")
"""What follows is of a library's own making, as SQLite's journal."""
_NUMBER = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")
"""How an error that holds others, and how one of a library written in Rust, gives the system's number."""


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary path to write a file or a folder to; rename it to ``path`` when all went well.

    Raises:
        SetupError: the disk is full, read-only or forbidden, or ``path`` is something that must not go: a folder or a
            device where a file is written, a file where a folder is. Names the path, which stays as it was.
    """
    if not path.name:
        raise SetupError(f"{path}: is a folder; name a file in it")
    temporary = name_temporary(path)
    try:
        with translate_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_stale(path.parent)
            remove(temporary)  # of a process that had the number of this one
            yield temporary
            if path.exists() and not (path.is_dir() if temporary.is_dir() else path.is_file()):
                raise SetupError(f"{path}: is there, and of another kind than what is written; choose another name")
            for part in [temporary, *temporary.rglob("*")] if temporary.is_dir() else [temporary]:
                _sync(part)
            _move_into_place(temporary, path)
            _sync(path.parent)  # the name
    finally:
        remove(temporary)


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write, within the block, into one clear error. Whatever else is raised passes.

    Raises:
        SetupError: the disk is full, read-only or forbidden. Names the path, or that of the error where it has one.
    """
    try:
        yield
    except SatietyError:
        raise
    except Exception as error:
        number = _find_errno(error)
        if number is None:
            raise
        raise SetupError(f"{_name_target(error, path)}: cannot write: {_explain_errno(number, path)}") from error


def write_text(path: Path, text: str) -> None:
    """Replace a file's text in one step."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def name_temporary(path: Path) -> Path:
    """Return the name under which this process writes what is to be ``path``."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}.tmp")


def remove_stale(folder: Path) -> None:
    """Remove what dead processes of this host began to write in a folder."""
    for path in folder.glob(".*.tmp*"):
        match = TEMPORARY.fullmatch(path.name)
        if match and match["host"] == _host() and not _is_alive(int(match["process"])):
            remove(path)


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


def remove(path: Path) -> None:
    """Remove a file or a folder, where there is one and the disk allows it."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _move_into_place(temporary: Path, path: Path) -> None:
    """Give what is written its name. A folder that has it goes aside first, and comes back where that fails."""
    if not path.is_dir() or path.is_symlink():
        temporary.replace(path)
        return
    backup = name_temporary(path.with_name(f"{path.name}.former"))
    remove(backup)
    path.rename(backup)
    try:
        temporary.rename(path)
    except OSError:
        backup.rename(path)
        raise
    remove(backup)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _find_errno(error: Exception) -> int | None:
    """Return the system's number of what kept a library from writing; None where the error is another."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = _NUMBER.search(str(error))
    return int(match[1] or match[2]) if match else None


def _name_target(error: Exception, path: Path) -> str:
    """Return what could not be written, under the name that it was to have."""
    names = (getattr(error, "filename2", None), getattr(error, "filename", None))  # of a copy, where to and where from
    name = str(next(filter(None, names), path))
    return str(path) if name.startswith(str(name_temporary(path))) else name


def _explain_errno(number: int, path: Path) -> str:
    if number not in (errno.ENOSPC, errno.EDQUOT):
        return os.strerror(number)
    return f"{os.strerror(number)} ({shutil.disk_usage(path.parent).free:,} bytes are free)"


@cache
def _host() -> str:
    """Return eight digits for this host, and for this container: elsewhere its process numbers mean others."""
    processes = Path("/proc/self/ns/pid")
    space = processes.readlink() if processes.is_symlink() else ""
    return hashlib.sha256(f"{os.uname().nodename} {space}".encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
