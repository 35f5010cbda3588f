"""Folder of a package -> problems: changed, missing and unlisted files, and files that could run code."""

import errno
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satiety.core.errors import SetupError
from satiety.core.files import sha256
from satiety.package.contents import LIMITS, MANIFEST, MODEL, PARTS, manifest_text

BEGINS = {".parquet": (0, b"PAR1"), ".safetensors": (8, b"{")}
"""Offset and magic bytes of each file type."""
PICKLES = (b"\x80", b"PK\x03\x04")
"""First bytes of a pickle, and of a zip file (PyTorch's format); text files never start with them."""
CONFIGS = ("config.json", "tokenizer_config.json")
"""Files in which ``auto_map`` can name code to run."""


def describe_missing(folder: Path) -> str:
    """Return that a folder is no package, and how to make one."""
    return f"{folder}: package not found; run `dvc repro` or `dvc checkout`"


def verify(folder: Path, copy_folder: Path | None = None) -> list[str]:
    """Return the problems of a package, one line each; empty if it is valid.

    Files that are not allowed in a package are listed without reading them.

    Args:
        folder: the package.
        copy_folder: an empty folder; if given, the package is copied there and the copy is verified.

    Raises:
        SetupError: there is no disk space for the copy.
    """
    if not folder.is_dir():
        return [describe_missing(folder)]
    manifest = _read_manifest(folder / MANIFEST)
    if isinstance(manifest, str):
        return [manifest]
    try:
        paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    except OSError as error:  # for example, removed meanwhile
        return [f"{error.filename}: cannot be listed: {error.strerror}"]
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    names.pop(MANIFEST, None)
    if copy_folder:
        (copy_folder / MANIFEST).write_bytes(manifest.content)
    digests, refusals = dict[str, str](), dict[str, str]()
    for name, path in names.items():
        try:
            if reason := _find_refusal(name, path):
                refusals[name] = reason
            else:
                digests[name] = sha256(_copy_file(path, copy_folder / name) if copy_folder else path)
        except OSError as error:
            refusals[name] = f"cannot be read: {error.strerror}"
    return [*_list_differences(folder, manifest.files, digests, refusals), *_find_stale(folder, manifest, digests)]


@dataclass(frozen=True, slots=True)
class _Manifest:
    content: bytes
    files: dict[str, str]
    """SHA-256 by path."""


def _copy_file(path: Path, copy: Path) -> Path:
    copy.parent.mkdir(exist_ok=True)
    try:
        return Path(shutil.copyfile(path, copy))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise SetupError(
                f"{copy}: cannot write: {error.strerror}; set TMPDIR to a folder with enough space"
            ) from None
        raise


def _list_differences(
    folder: Path, listed: dict[str, str], digests: dict[str, str], refusals: dict[str, str]
) -> Iterator[str]:
    for name in sorted({*listed, *digests, *refusals}):
        if name in refusals:
            yield f"{folder / name}: {refusals[name]}"
        elif name not in digests:
            yield f"{folder / name}: missing, but listed in {MANIFEST}"
        elif name not in listed:
            yield f"{folder / name}: not in {MANIFEST}; remove it"
        elif digests[name] != listed[name]:
            yield f"{folder / name}: sha256 is {digests[name]}, but {listed[name]} in {MANIFEST}"


def _find_stale(folder: Path, manifest: _Manifest, digests: dict[str, str]) -> list[str]:
    """Return a problem if the manifest is not the one generated from its files."""
    if digests == manifest.files and manifest.content != manifest_text(digests).encode():
        return [f"{folder / MANIFEST}: does not match its files; it was edited or written by another version"]
    return []


def _read_manifest(path: Path) -> _Manifest | str:
    """Return the manifest, or its problem."""
    try:
        if path.is_symlink() or path.stat().st_size > LIMITS[".md"]:
            return f"{path}: must be a regular file of at most {LIMITS['.md']:,} bytes"
        content = path.read_bytes()
        files: Any = json.loads(content)["files"]
        if isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values()):
            return _Manifest(content, files)
        return f"{path}: not a manifest: `files` must map paths to SHA-256 digests"
    except FileNotFoundError:
        return f"{path}: missing; the folder is not a package"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return f"{path}: not a manifest: {str(error) or type(error).__name__}"


def _find_refusal(name: str, path: Path) -> str | None:
    """Return why a file is not allowed in a package, or None."""
    if path.is_symlink() or not path.is_file():
        return "not a regular file; links are not allowed in a package"
    limit = LIMITS.get(path.suffix)
    if limit is None or (name not in PARTS and Path(name).parent != Path(MODEL)):
        return "not allowed in a package: only its safetensors, JSON, text and Parquet files are"
    if path.stat().st_size > limit:
        return f"{path.stat().st_size:,} bytes; the limit of a {path.suffix} file is {limit:,}"
    if not _has_valid_header(path):
        return f"not a {path.suffix} file; renamed pickles are not loaded"
    if path.name in CONFIGS and b'"auto_map"' in path.read_bytes():
        return "contains an `auto_map`: models with their own code are not loaded"
    return None


def _has_valid_header(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(16)
    if path.suffix in BEGINS:
        offset, mark = BEGINS[path.suffix]
        return start[offset:].startswith(mark)
    return not start.startswith(PICKLES)
