"""A file or folder that is not what DVC's records name -> which file in it differs, and what truly mends it.

`dvc checkout --force` trusts the time of the damaged file and does nothing, and `dvc repro` restores what is damaged in
the cache, again and again. So the message names what has to go first.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.integrity import Out, file_md5, plain_yaml

SHOWN = 3
"""Files, or cached objects, that a message names at most."""
PIPELINE = "dvc.yaml"


@dataclass(frozen=True, slots=True)
class Cached:
    """What DVC's cache has of an out."""

    differing: tuple[str, ...]
    """Files of a folder that are changed, missing or too many; empty where the cache does not tell."""
    damaged: tuple[Path, ...]
    """Objects of the cache that are not what their names say."""
    complete: bool
    """Whether it has a whole object for each file."""


def complaints(outs: Iterable[Out], root: Path = Path()) -> list[str]:
    """Return a line for each damaged out: which file in it differs, and what mends it. Paths are seen from ``root``."""
    cache = _cache(root)
    return [_complaint(out, _cached(out, cache), root) for out in outs]


def _complaint(out: Out, cached: Cached, root: Path) -> str:
    record, path = os.path.relpath(out.record, root), os.path.relpath(out.path, root)
    inside = f"{_some(cached.differing)} " if cached.differing else ""
    too = ", and DVC's cached copy is damaged too" if cached.damaged else ""
    return f"{path}: {inside}is not what {record} names{too}; {_remedy(out, path, cached, root)}"


def _remedy(out: Out, path: str, cached: Cached, root: Path) -> str:
    gone = _some([path, *(os.path.relpath(copy, root) for copy in cached.damaged)], " and ")
    if not out.stage:
        record = os.path.relpath(out.record, root)
        back = "" if cached.complete else " from a remote, or bring it from where it came"
        command = f"`dvc checkout {record}`" if cached.complete else f"`dvc pull {record}`"
        return f"if you changed it, `dvc add {path}`; if not, remove {gone}, then {command}{back}"
    if cached.complete and not _uncached(out):
        return f"remove {gone}, then `dvc checkout {path}`"
    folder = out.record.parent
    stage = out.stage if folder == root else f"{os.path.relpath(folder, root)}/{PIPELINE}:{out.stage}"
    return f"remove {gone}, then `dvc repro {stage}`, or `dvc pull {path}` from a remote"


def _cached(out: Out, cache: Path) -> Cached:
    objects = {"": out.md5}
    if out.md5.endswith(".dir"):
        listing = _object(cache, out.md5)
        if not _is_whole(listing):
            return Cached((), (listing,) if listing.exists() else (), complete=False)
        objects = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_bytes())}
    differing = _differing(out.path, objects) if out.path.is_dir() else ()
    copies = {_object(cache, md5) for md5 in objects.values()}
    damaged = tuple(sorted(copy for copy in copies if copy.exists() and not _is_whole(copy)))
    return Cached(differing, damaged, complete=all(copy.exists() for copy in copies) and not damaged)


def _differing(folder: Path, expected: Mapping[str, str]) -> tuple[str, ...]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    changed = {name for name, path in files.items() if expected.get(name) != file_md5(path)}
    return tuple(sorted(changed | (set(expected) - set(files))))


def _object(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


def _is_whole(path: Path) -> bool:
    """Return whether a cached object is what its name says."""
    return path.is_file() and file_md5(path) == path.parent.name + path.name.removesuffix(".dir")


def _uncached(out: Out) -> bool:
    """Return whether dvc.yaml keeps an out from the cache (git has it), so that `dvc checkout` does not restore it."""
    folder = out.record.parent
    try:
        stages: Any = plain_yaml((folder / PIPELINE).read_text(encoding="utf-8"))["stages"]
        entries = [entry for kind in ("outs", "metrics", "plots") for entry in stages[out.stage].get(kind, ())]
    except (OSError, yaml.YAMLError, KeyError):
        return False
    flags = {folder / name: options for entry in entries if isinstance(entry, dict) for name, options in entry.items()}
    return bool(flags.get(out.path, {}).get("cache") == "false")


def _cache(root: Path) -> Path:
    """Return where DVC keeps its objects; DVC itself is asked, for a worktree's cache lies elsewhere."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return Path(root, done.stdout.strip() or ".dvc/cache", "files/md5")


def _some(names: Any, between: str = ", ") -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more, which `satiety verify` names" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more
