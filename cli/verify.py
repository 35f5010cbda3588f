"""`satiety verify`: compare every artifact, cached object, package and registered model with its checksum.

DVC does not detect corrupted files. Stages verify only their inputs.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from satiety.core.errors import DataError, ModelError, SetupError
from satiety.core.progress import track
from satiety.package.contents import MODEL
from satiety.tuning.layout import check_layout
from tasks.integrity import Output, file_md5, find_added_outputs, read_locked_outputs
from tasks.repair import describe_damage

PACKAGE = Path("models/package")
CACHE = Path(".dvc/cache/files/md5")
REGISTRY = Path("mlartifacts")
"""MLflow's artifact folder without a server."""
SKIPPED = {".git", ".venv", ".dvc", ".satiety", "node_modules", "__pycache__"}


def verify_all(root: Path) -> str:
    """Verify a project's artifacts, cache, packages and registry; return one line if all are intact.

    Raises:
        SetupError: the folder is not in a project.
        DataError: lists each damaged file and its remedy.
    """
    if not (root / ".dvc").is_dir():
        raise SetupError(f"{root}: not in a project; change to one")
    locks = sorted(_find_locks(root))
    outs = [artifact for lock in locks for artifact in read_locked_outputs(lock)]
    outs += [artifact for lock in locks for artifact in find_added_outputs(lock.parent / "data")]
    objects = sorted(path for path in (root / CACHE).glob("??/*") if path.is_file())
    packages = [folder for folder in (lock.parent / PACKAGE for lock in locks) if folder.is_dir()]
    copies = sorted(path for path in (root / REGISTRY).glob("**/data/package") if path.is_dir())
    damaged = [artifact for artifact in track(outs, "artifacts") if artifact.path.exists() and not artifact.is_intact]
    problems = describe_damage(damaged, root) if damaged else []
    problems += _check_missing(outs, root)
    problems += _check_objects(track(objects, "cached objects"), root, has_damage=bool(damaged))
    problems += [problem for package in packages for problem in _check_package(package, root)]
    problems += [problem for copy in track(copies, "registered packages") for problem in _check_copy(copy, root)]
    if problems:
        raise DataError("\n".join([f"{len(problems)} damaged:", *problems]))
    counts = f"{len(outs)} artifacts, {len(objects)} cached objects, {len(packages)} packages"
    return f"intact: {counts}, {len(copies)} registered"


def _find_locks(root: Path) -> Iterator[Path]:
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED]
        if "dvc.lock" in files:
            yield Path(folder, "dvc.lock")


def _check_objects(paths: Iterable[Path], root: Path, *, has_damage: bool) -> list[str]:
    """Return the damaged objects; `dvc commit` repairs them if the artifacts are intact, else it records the damage."""
    remedy = "remove it, then `dvc commit -f dvc.yaml`, or `dvc fetch` from a remote"
    advice = "repair the artifacts above first, then verify again" if has_damage else remedy
    return [
        f"{path.relative_to(root)}: does not match its checksum; {advice}"
        for path in paths
        if file_md5(path) != path.parent.name + path.name.removesuffix(".dir")
    ]


def _check_missing(outs: Iterable[Output], root: Path) -> list[str]:
    absent = [(artifact.path.relative_to(root), artifact.stage) for artifact in outs if not artifact.path.exists()]
    hints = {path: " or `dvc repro` recreates it" if stage else "" for path, stage in absent}
    return [f"{path}: missing; `dvc checkout {path}` restores it{hint}" for path, hint in hints.items()]


def _check_package(folder: Path, root: Path) -> list[str]:
    path = folder.relative_to(root)
    problems = _verify_package(folder, root, f"remove the folder, then `dvc checkout {path}`, or `dvc repro`")
    if problems:
        return problems

    # Registered copies may be of an earlier version of satiety, but not the current package.
    try:
        check_layout(folder / MODEL, path / MODEL)
    except ModelError as error:
        return [str(error)]
    return []


def _check_copy(folder: Path, root: Path) -> list[str]:
    advice = f"replace it by an intact {PACKAGE} with the same digest, or remove the aliases of that version"
    return _verify_package(folder, root, f"the registry's copy: {advice}")


def _verify_package(folder: Path, root: Path, advice: str) -> list[str]:
    from satiety import package

    return [f"{folder.relative_to(root)}: {problem}; {advice}" for problem in package.verify(folder)]
