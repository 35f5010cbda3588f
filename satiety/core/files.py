"""Write files atomically: a temporary file beside the target, fsync, rename.

Temporary files are called ``.<name>.<host>-<process>.tmp``. Those of a dead process are removed by the next write to
the same folder on the same host.
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
"""Libraries may append a suffix, such as SQLite's ``-journal``."""
_NUMBER = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")
"""Error number in the message of a wrapped Python error, or of a Rust library."""


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or a folder; rename it to ``path`` if the block succeeds.

    Raises:
        SetupError: the disk is full, read-only or forbidden, or ``path`` already exists and is of another type (file,
            folder, device). ``path`` is unchanged then.
    """
    if not path.name:
        raise SetupError(f"{path} is a directory; add a file name")
    temporary = name_temporary(path)
    try:
        with translate_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_stale(path.parent)
            remove(temporary)  # left by a process with the same number
            yield temporary
            if path.exists() and (existing := _type_of(path)) != (expected := _type_of(temporary)):
                raise SetupError(
                    f"{path} already exists and is {existing}, not {expected}; remove it or rename the target"
                )
            for part in [temporary, *temporary.rglob("*")] if temporary.is_dir() else [temporary]:
                _sync(part)
            _move_into_place(temporary, path)
            _sync(path.parent)  # makes the rename durable
    finally:
        remove(temporary)


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn an operating system's write error within the block into a SetupError; other errors pass unchanged.

    Raises:
        SetupError: the disk is full, read-only or forbidden; contains the path of the error, or else ``path``.
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
    """Replace a file's text atomically."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def name_temporary(path: Path) -> Path:
    """Return the temporary path that this process writes before renaming it to ``path``."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}.tmp")


def remove_stale(folder: Path) -> None:
    """Remove temporary files in a folder that belong to dead processes of this host."""
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
    """Remove a file or a folder; ignore missing ones and errors."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _type_of(path: Path) -> str:
    return "a directory" if path.is_dir() else "a file" if path.is_file() else "a device"


def _move_into_place(temporary: Path, path: Path) -> None:
    """Rename the temporary to its target. An existing folder is moved away first, and restored on failure."""
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
    """Return the operating system's error number, also from a wrapped error; None for other errors."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = _NUMBER.search(str(error))
    return int(match[1] or match[2]) if match else None


def _name_target(error: Exception, path: Path) -> str:
    """Return the path of the failed write; for the temporary, that of its target."""
    names = (getattr(error, "filename2", None), getattr(error, "filename", None))  # target and source of a copy
    name = str(next(filter(None, names), path))
    return str(path) if name.startswith(str(name_temporary(path))) else name


def _explain_errno(number: int, path: Path) -> str:
    if number not in (errno.ENOSPC, errno.EDQUOT):
        return os.strerror(number)
    return f"{os.strerror(number)} ({shutil.disk_usage(path.parent).free:,} bytes are free)"


@cache
def _host() -> str:
    """Return eight hex digits for this host and container, within which process numbers are unique."""
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
