"""A package's folder -> all that is wrong with it: changed, missing and foreign files, and what could run code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from satiety.files import sha256
from satiety.package.contents import LIMITS, MANIFEST, MODEL, PARTS, manifest_text

BEGINS = {".parquet": (0, b"PAR1"), ".safetensors": (8, b"{")}
"""Where and how a true file of the kind begins."""
PICKLES = (b"\x80", b"PK\x03\x04")
"""How a pickle, and a zip (PyTorch's own format), begin; no text does."""
CONFIGS = ("config.json", "tokenizer_config.json")
"""Files in which a model can ask for code of its own to be run."""


def verify(folder: Path) -> list[str]:
    """Return what is wrong with a package, one line each; an empty list where nothing is.

    Files that have no place in a package are named, never read.
    """
    if not folder.is_dir():
        return [f"{folder}: no such package; run `dvc repro`, or `dvc checkout`"]
    listed = _listed(folder / MANIFEST)
    if isinstance(listed, str):
        return [listed]
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    there = {path.relative_to(folder).as_posix(): path for path in files}
    there.pop(MANIFEST, None)
    refused = {name: reason for name, path in there.items() if (reason := _refusal(name, path))}
    found = {name: sha256(path) for name, path in there.items() if name not in refused}
    return [*_differences(folder, listed, found, refused), *_stale(folder, listed, found)]


def _differences(folder: Path, listed: dict[str, str], found: dict[str, str], refused: dict[str, str]) -> Iterator[str]:
    for name in sorted({*listed, *found, *refused}):
        if name in refused:
            yield f"{folder / name}: {refused[name]}"
        elif name not in found:
            yield f"{folder / name}: missing, but {MANIFEST} lists it"
        elif name not in listed:
            yield f"{folder / name}: {MANIFEST} does not list it; remove it"
        elif found[name] != listed[name]:
            yield f"{folder / name}: sha256 is {found[name]}, but {MANIFEST} says {listed[name]}"


def _stale(folder: Path, listed: dict[str, str], found: dict[str, str]) -> list[str]:
    """Notice a manifest changed by itself: its text is a function of the files."""
    if found == listed and (folder / MANIFEST).read_bytes() != manifest_text(found).encode():
        return [f"{folder / MANIFEST}: is not what its files make it; it was changed, or another version wrote it"]
    return []


def _listed(path: Path) -> dict[str, str] | str:
    """Return the manifest's files, or what is wrong with it."""
    try:
        if path.is_symlink() or path.stat().st_size > LIMITS[".md"]:
            return f"{path}: a manifest is a file of at most {LIMITS['.md']:,} bytes"
        value: Any = json.loads(path.read_bytes())
        files = value["files"]
        if isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values()):
            return files
        return f"{path}: not a manifest: `files` must map paths to SHA-256 digests"
    except FileNotFoundError:
        return f"{path}: missing; what is not in a manifest is not a package"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return f"{path}: not a manifest: {str(error) or type(error).__name__}"


def _refusal(name: str, path: Path) -> str | None:
    """Say why a file has no place in a package, or nothing."""
    if path.is_symlink() or not path.is_file():
        return "is a link, or no plain file; a package holds its files itself"
    limit = LIMITS.get(path.suffix)
    if limit is None or (name not in PARTS and Path(name).parent != Path(MODEL)):
        return "has no place in a package: only safetensors, JSON, text and Parquet do, each at its place"
    if path.stat().st_size > limit:
        return f"{path.stat().st_size:,} bytes; a {path.suffix} file may have at most {limit:,}"
    if not _is_its_kind(path):
        return f"is no {path.suffix} file; a pickle under another name is not loaded either"
    if path.name in CONFIGS and b'"auto_map"' in path.read_bytes():
        return "has an `auto_map`: it wants code of its own run, which is never done"
    return None


def _is_its_kind(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(16)
    if path.suffix in BEGINS:
        at, mark = BEGINS[path.suffix]
        return start[at:].startswith(mark)
    return not start.startswith(PICKLES)
