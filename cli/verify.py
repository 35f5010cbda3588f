"""Every artefact, cached object and package -> what differs from its digest. DVC does not notice a flipped byte.

DVC names a file by the MD5 of its bytes, and a folder by the MD5 of the JSON list of its files' MD5s and paths.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from satiety.errors import DataError, ParamsError
from satiety.progress import track
from satiety.section import read_yaml

PACKAGE = Path("models/package")
CACHE = Path(".dvc/cache/files/md5")
SKIPPED = {".git", ".venv", ".dvc", ".satiety", "node_modules", "__pycache__"}


def verify_all(root: Path) -> str:
    """Check the project's artefacts, its cache and its packages; return one line saying that all is whole.

    Raises:
        DataError: names each thing that is not, and what to do about it.
    """
    locks = sorted(_locks(root))
    outs = [(lock, out) for lock in locks for out in _outs(lock)]
    objects = sorted(path for path in (root / CACHE).glob("??/*") if path.is_file())
    packages = [folder for folder in (lock.parent / PACKAGE for lock in locks) if folder.is_dir()]
    wrong = [_object(path, root) for path in track(objects, "cached objects")]
    wrong += [_artefact(lock, out, root) for lock, out in track(outs, "artefacts")]
    wrong += [problem for package in packages for problem in _package(package, root)]
    found = [problem for problem in wrong if problem]
    if found:
        raise DataError("\n".join([f"{len(found)} not whole:", *found]))
    return f"whole: {len(outs)} artefacts, {len(objects)} cached objects, {len(packages)} packages"


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
    from satiety import package

    where = folder.relative_to(root)
    advice = f"remove the folder, then `dvc checkout {where}`, or `dvc repro`"
    return [f"{where}: {problem}; {advice}" for problem in package.verify(folder)]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _folder_md5(folder: Path) -> str:
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    listing = [{"md5": _md5(path), "relpath": name} for name, path in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
