"""Damaged outputs -> the files that differ, and the commands that restore them.

`dvc checkout --force` skips a damaged file, because its time is unchanged, and `dvc repro` restores a damaged object
from the cache. The message therefore lists the files that must be removed first.
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

from tasks.integrity import Output, file_md5, load_plain_yaml

MAX_NAMES = 3
"""Maximum number of files or cached objects in a message."""
PIPELINE = "dvc.yaml"


@dataclass(frozen=True, slots=True)
class CacheState:
    """State of an output in DVC's cache."""

    differing: tuple[str, ...]
    """Changed, missing or extra files of a folder; empty if the cache has no list of them."""
    damaged: tuple[Path, ...]
    """Cached objects whose MD5 differs from their name."""
    is_complete: bool
    """Whether every file has an intact object in the cache."""


def describe_damage(outputs: Iterable[Output], root: Path = Path()) -> list[str]:
    """Return one line per damaged output: differing files and commands, with paths relative to ``root``."""
    cache = _find_cache(root)
    return [_describe_output(output, _inspect_cache(output, cache), root) for output in outputs]


def _describe_output(output: Output, state: CacheState, root: Path) -> str:
    record, path = os.path.relpath(output.record, root), os.path.relpath(output.path, root)
    files = f"{_join_names(state.differing)} " if state.differing else ""
    cache_note = ", and DVC's cached copy is damaged too" if state.damaged else ""
    return f"{path}: {files}differs from {record}{cache_note}; {_choose_remedy(output, path, state, root)}"


def _choose_remedy(output: Output, path: str, state: CacheState, root: Path) -> str:
    removals = _join_names([path, *(os.path.relpath(copy, root) for copy in state.damaged)], " and ")
    if not output.stage:
        record = os.path.relpath(output.record, root)
        origin = "" if state.is_complete else " from a remote, or copy it from its original source"
        command = f"`dvc checkout {record}`" if state.is_complete else f"`dvc pull {record}`"
        return f"if you changed it, run `dvc add {path}`; otherwise remove {removals}, then run {command}{origin}"
    if state.is_complete and not _is_uncached(output):
        return f"remove {removals}, then run `dvc checkout {path}`"
    folder = output.record.parent
    stage = output.stage if folder == root else f"{os.path.relpath(folder, root)}/{PIPELINE}:{output.stage}"
    return f"remove {removals}, then run `dvc repro {stage}`, or `dvc pull {path}` from a remote"


def _inspect_cache(output: Output, cache: Path) -> CacheState:
    objects = {"": output.md5}
    if output.md5.endswith(".dir"):
        listing = _object_path(cache, output.md5)
        if not _is_whole(listing):
            return CacheState((), (listing,) if listing.exists() else (), is_complete=False)
        objects = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_bytes())}
    differing = _find_differing(output.path, objects) if output.path.is_dir() else ()
    copies = {_object_path(cache, md5) for md5 in objects.values()}
    damaged = tuple(sorted(copy for copy in copies if copy.exists() and not _is_whole(copy)))
    return CacheState(differing, damaged, is_complete=all(copy.exists() for copy in copies) and not damaged)


def _find_differing(folder: Path, expected: Mapping[str, str]) -> tuple[str, ...]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    changed = {name for name, path in files.items() if expected.get(name) != file_md5(path)}
    return tuple(sorted(changed | (set(expected) - set(files))))


def _object_path(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


def _is_whole(path: Path) -> bool:
    """Return whether the MD5 of a cached object is its name."""
    return path.is_file() and file_md5(path) == path.parent.name + path.name.removesuffix(".dir")


def _is_uncached(output: Output) -> bool:
    """Return whether dvc.yaml sets ``cache: false`` for an output, so that `dvc checkout` cannot restore it."""
    folder = output.record.parent
    try:
        stages: Any = load_plain_yaml((folder / PIPELINE).read_text(encoding="utf-8"))["stages"]
        entries = [entry for kind in ("outs", "metrics", "plots") for entry in stages[output.stage].get(kind, ())]
    except (OSError, yaml.YAMLError, KeyError):
        return False
    flags = {folder / name: options for entry in entries if isinstance(entry, dict) for name, options in entry.items()}
    return bool(flags.get(output.path, {}).get("cache") == "false")


def _find_cache(root: Path) -> Path:
    """Return the folder of DVC's objects, from `dvc cache dir`: a worktree shares the cache of its checkout."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return Path(root, process.stdout.strip() or ".dvc/cache", "files/md5")


def _join_names(names: Any, separator: str = ", ") -> str:
    names = list(names)
    remainder = f" and {len(names) - MAX_NAMES} more (run `satiety verify` for all)" if len(names) > MAX_NAMES else ""
    return separator.join(names[:MAX_NAMES]) + remainder
