"""A package's folder -> all that is wrong with it: changed, missing and foreign files, and what could run code."""

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
"""Where and how a true file of the kind begins."""
PICKLES = (b"\x80", b"PK\x03\x04")
"""How a pickle, and a zip (PyTorch's own format), begin; no text does."""
CONFIGS = ("config.json", "tokenizer_config.json")
"""Files in which a model can ask for code of its own to be run."""


def verify(folder: Path, copy_folder: Path | None = None) -> list[str]:
    """Return what is wrong with a package, one line each; an empty list where nothing is.

    Files that have no place in a package are named, never read.

    Args:
        folder: the package.
        copy_folder: an empty folder to copy it into; the copy is verified, so a change of the package does no harm.

    Raises:
        SetupError: there is no room for the copy.
    """
    if not folder.is_dir():
        return [f"{folder}: no such package; run `dvc repro`, or `dvc checkout`"]
    manifest = _read_manifest(folder / MANIFEST)
    if isinstance(manifest, str):
        return [manifest]
    try:
        paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    except OSError as error:  # as where it is removed just now
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
            raise SetupError(f"{copy}: cannot write: {error.strerror}; set TMPDIR to a folder with room") from None
        raise


def _list_differences(
    folder: Path, listed: dict[str, str], digests: dict[str, str], refusals: dict[str, str]
) -> Iterator[str]:
    for name in sorted({*listed, *digests, *refusals}):
        if name in refusals:
            yield f"{folder / name}: {refusals[name]}"
        elif name not in digests:
            yield f"{folder / name}: missing, but {MANIFEST} lists it"
        elif name not in listed:
            yield f"{folder / name}: {MANIFEST} does not list it; remove it"
        elif digests[name] != listed[name]:
            yield f"{folder / name}: sha256 is {digests[name]}, but {MANIFEST} says {listed[name]}"


def _find_stale(folder: Path, manifest: _Manifest, digests: dict[str, str]) -> list[str]:
    """Notice a manifest changed by itself: its text is a function of the files."""
    if digests == manifest.files and manifest.content != manifest_text(digests).encode():
        return [f"{folder / MANIFEST}: is not what its files make it; it was changed, or another version wrote it"]
    return []


def _read_manifest(path: Path) -> _Manifest | str:
    """Return the manifest, or what is wrong with it."""
    try:
        if path.is_symlink() or path.stat().st_size > LIMITS[".md"]:
            return f"{path}: a manifest is a file of at most {LIMITS['.md']:,} bytes"
        content = path.read_bytes()
        files: Any = json.loads(content)["files"]
        if isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values()):
            return _Manifest(content, files)
        return f"{path}: not a manifest: `files` must map paths to SHA-256 digests"
    except FileNotFoundError:
        return f"{path}: missing; what is not in a manifest is not a package"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return f"{path}: not a manifest: {str(error) or type(error).__name__}"


def _find_refusal(name: str, path: Path) -> str | None:
    """Say why a file has no place in a package, or nothing."""
    if path.is_symlink() or not path.is_file():
        return "is a link, or no plain file; a package holds its files itself"
    limit = LIMITS.get(path.suffix)
    if limit is None or (name not in PARTS and Path(name).parent != Path(MODEL)):
        return "has no place in a package: only safetensors, JSON, text and Parquet do, each at its place"
    if path.stat().st_size > limit:
        return f"{path.stat().st_size:,} bytes; a {path.suffix} file may have at most {limit:,}"
    if not _has_valid_header(path):
        return f"is no {path.suffix} file; a pickle under another name is not loaded either"
    if path.name in CONFIGS and b'"auto_map"' in path.read_bytes():
        return "has an `auto_map`: it wants code of its own run, which is never done"
    return None


def _has_valid_header(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(16)
    if path.suffix in BEGINS:
        offset, mark = BEGINS[path.suffix]
        return start[offset:].startswith(mark)
    return not start.startswith(PICKLES)
