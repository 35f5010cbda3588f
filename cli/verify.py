"""Every artefact, cached object, package and registered copy -> what differs from its digest.

DVC does not notice a flipped byte.

DVC names a file by the MD5 of its bytes, and a folder by the MD5 of the JSON list of its files' MD5s and paths.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from satiety.errors import DataError, ParamsError, SetupError
from satiety.progress import track
from satiety.section import read_yaml

PACKAGE = Path("models/package")
CACHE = Path(".dvc/cache/files/md5")
REGISTRY = Path("mlartifacts")
"""Where MLflow keeps its files when no server is set."""
SKIPPED = {".git", ".venv", ".dvc", ".satiety", "node_modules", "__pycache__"}


def verify_all(root: Path) -> str:
    """Check the project's artefacts, cache, packages and registry; return one line saying that all is whole.

    Raises:
        SetupError: there is no project.
        DataError: names each thing that is not whole, and what to do about it.
    """
    if not (root / ".dvc").is_dir():
        raise SetupError(f"{root}: no project here, nor in a folder above it; run this inside one")
    locks = sorted(_locks(root))
    outs = [(lock, out) for lock in locks for out in _outs(lock)]
    objects = sorted(path for path in (root / CACHE).glob("??/*") if path.is_file())
    packages = [folder for folder in (lock.parent / PACKAGE for lock in locks) if folder.is_dir()]
    copies = sorted(path for path in (root / REGISTRY).glob("**/data/package") if path.is_dir())
    wrong = [_object(path, root) for path in track(objects, "cached objects")]
    wrong += [_artefact(lock, out, root) for lock, out in track(outs, "artefacts")]
    wrong += [problem for package in packages for problem in _package(package, root)]
    wrong += [problem for copy in track(copies, "registered packages") for problem in _copy(copy, root)]
    found = [problem for problem in wrong if problem]
    if found:
        raise DataError("\n".join([f"{len(found)} not whole:", *found]))
    counts = f"{len(outs)} artefacts, {len(objects)} cached objects, {len(packages)} packages"
    return f"whole: {counts}, {len(copies)} registered"


def _locks(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED]
        if "dvc.lock" in files:
            yield Path(folder, "dvc.lock")


def _outs(lock: Path) -> list[dict[str, Any]]:
    try:
        stages = read_yaml(lock)["stages"]
        return [out for stage in stages.values() for out in stage.get("outs", [])]
    except (ParamsError, KeyError, AttributeError, TypeError) as error:
        raise DataError(f"{lock}: broken ({error}); `git checkout` it, or remove it and run `dvc repro`") from None


def _object(path: Path, root: Path) -> str | None:
    if _md5(path) == path.parent.name + path.name.removesuffix(".dir"):
        return None
    advice = "remove it, then `dvc commit -f dvc.yaml`, or `dvc fetch` from a remote"
    return f"{path.relative_to(root)}: is not what its name says; {advice}"


def _artefact(lock: Path, out: dict[str, Any], root: Path) -> str | None:
    path, expected = lock.parent / out["path"], str(out.get("md5", ""))
    where = path.relative_to(root)
    if not path.exists():
        return f"{where}: missing; `dvc checkout {where}` brings it back, or `dvc repro` makes it"
    found = _folder_md5(path) if path.is_dir() else _md5(path)
    if found == expected.removesuffix(".dir"):
        return None
    return f"{where}: differs from dvc.lock; remove it, then `dvc checkout {where}`, or `dvc repro`"


def _package(folder: Path, root: Path) -> list[str]:
    where = folder.relative_to(root)
    return _verified(folder, root, f"remove the folder, then `dvc checkout {where}`, or `dvc repro`")


def _copy(folder: Path, root: Path) -> list[str]:
    advice = f"copy a whole {PACKAGE} of the same digest over it, or take its aliases off that version"
    return _verified(folder, root, f"the registry's copy: {advice}")


def _verified(folder: Path, root: Path, advice: str) -> list[str]:
    from satiety import package

    return [f"{folder.relative_to(root)}: {problem}; {advice}" for problem in package.verify(folder)]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _folder_md5(folder: Path) -> str:
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    listing = [{"md5": _md5(path), "relpath": name} for name, path in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
