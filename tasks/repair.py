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

from tasks.integrity import Output, file_md5, load_plain_yaml

MAX_NAMES = 3
"""Files, or cached objects, that a message names at most."""
PIPELINE = "dvc.yaml"


@dataclass(frozen=True, slots=True)
class CacheState:
    """What DVC's cache has of an out."""

    differing: tuple[str, ...]
    """Files of a folder that are changed, missing or too many; empty where the cache does not tell."""
    damaged: tuple[Path, ...]
    """Objects of the cache that are not what their names say."""
    is_complete: bool
    """Whether it has a whole object for each file."""


def describe_damage(outputs: Iterable[Output], root: Path = Path()) -> list[str]:
    """Return a line for each damaged out: which file in it differs, and what mends it. Paths are seen from ``root``."""
    cache = _find_cache(root)
    return [_describe_output(output, _inspect_cache(output, cache), root) for output in outputs]


def _describe_output(output: Output, state: CacheState, root: Path) -> str:
    record, path = os.path.relpath(output.record, root), os.path.relpath(output.path, root)
    files = f"{_join_names(state.differing)} " if state.differing else ""
    cache_note = ", and DVC's cached copy is damaged too" if state.damaged else ""
    return f"{path}: {files}is not what {record} names{cache_note}; {_choose_remedy(output, path, state, root)}"


def _choose_remedy(output: Output, path: str, state: CacheState, root: Path) -> str:
    removals = _join_names([path, *(os.path.relpath(copy, root) for copy in state.damaged)], " and ")
    if not output.stage:
        record = os.path.relpath(output.record, root)
        origin = "" if state.is_complete else " from a remote, or bring it from where it came"
        command = f"`dvc checkout {record}`" if state.is_complete else f"`dvc pull {record}`"
        return f"if you changed it, `dvc add {path}`; if not, remove {removals}, then {command}{origin}"
    if state.is_complete and not _is_uncached(output):
        return f"remove {removals}, then `dvc checkout {path}`"
    folder = output.record.parent
    stage = output.stage if folder == root else f"{os.path.relpath(folder, root)}/{PIPELINE}:{output.stage}"
    return f"remove {removals}, then `dvc repro {stage}`, or `dvc pull {path}` from a remote"


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
    """Return whether a cached object is what its name says."""
    return path.is_file() and file_md5(path) == path.parent.name + path.name.removesuffix(".dir")


def _is_uncached(output: Output) -> bool:
    """Return whether dvc.yaml keeps an out from the cache (git has it), so that `dvc checkout` does not restore it."""
    folder = output.record.parent
    try:
        stages: Any = load_plain_yaml((folder / PIPELINE).read_text(encoding="utf-8"))["stages"]
        entries = [entry for kind in ("outs", "metrics", "plots") for entry in stages[output.stage].get(kind, ())]
    except (OSError, yaml.YAMLError, KeyError):
        return False
    flags = {folder / name: options for entry in entries if isinstance(entry, dict) for name, options in entry.items()}
    return bool(flags.get(output.path, {}).get("cache") == "false")


def _find_cache(root: Path) -> Path:
    """Return where DVC keeps its objects; DVC itself is asked, for a worktree's cache lies elsewhere."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return Path(root, process.stdout.strip() or ".dvc/cache", "files/md5")


def _join_names(names: Any, separator: str = ", ") -> str:
    names = list(names)
    remainder = f" and {len(names) - MAX_NAMES} more, which `satiety verify` names" if len(names) > MAX_NAMES else ""
    return separator.join(names[:MAX_NAMES]) + remainder
