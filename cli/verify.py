"""Every artefact, cached object, package and registered copy -> what differs from its digest.

DVC does not notice a flipped byte. Every stage hashes what it reads; this hashes all that there is.
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
    locks = sorted(_find_locks(root))
    outs = [artefact for lock in locks for artefact in read_locked_outputs(lock)]
    outs += [artefact for lock in locks for artefact in find_added_outputs(lock.parent / "data")]
    objects = sorted(path for path in (root / CACHE).glob("??/*") if path.is_file())
    packages = [folder for folder in (lock.parent / PACKAGE for lock in locks) if folder.is_dir()]
    copies = sorted(path for path in (root / REGISTRY).glob("**/data/package") if path.is_dir())
    damaged = [artefact for artefact in track(outs, "artefacts") if artefact.path.exists() and not artefact.is_intact]
    problems = describe_damage(damaged, root) if damaged else []
    problems += _check_missing(outs, root)
    problems += _check_objects(track(objects, "cached objects"), root, has_damage=bool(damaged))
    problems += [problem for package in packages for problem in _check_package(package, root)]
    problems += [problem for copy in track(copies, "registered packages") for problem in _check_copy(copy, root)]
    if problems:
        raise DataError("\n".join([f"{len(problems)} not whole:", *problems]))
    counts = f"{len(outs)} artefacts, {len(objects)} cached objects, {len(packages)} packages"
    return f"whole: {counts}, {len(copies)} registered"


def _find_locks(root: Path) -> Iterator[Path]:
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED]
        if "dvc.lock" in files:
            yield Path(folder, "dvc.lock")


def _check_objects(paths: Iterable[Path], root: Path, *, has_damage: bool) -> list[str]:
    """Return the damaged objects; where an artefact is damaged, too, `dvc commit` would record that one as it is."""
    remedy = "remove it, then `dvc commit -f dvc.yaml`, or `dvc fetch` from a remote"
    advice = "mend the artefacts above first, then verify again" if has_damage else remedy
    return [
        f"{path.relative_to(root)}: is not what its name says; {advice}"
        for path in paths
        if file_md5(path) != path.parent.name + path.name.removesuffix(".dir")
    ]


def _check_missing(outs: Iterable[Output], root: Path) -> list[str]:
    absent = [(artefact.path.relative_to(root), artefact.stage) for artefact in outs if not artefact.path.exists()]
    hints = {path: ", or `dvc repro` makes it" if stage else "" for path, stage in absent}
    return [f"{path}: missing; `dvc checkout {path}` brings it back{hint}" for path, hint in hints.items()]


def _check_package(folder: Path, root: Path) -> list[str]:
    path = folder.relative_to(root)
    problems = _verify_package(folder, root, f"remove the folder, then `dvc checkout {path}`, or `dvc repro`")
    return problems or _check_layout(folder / MODEL, root)


def _check_layout(model: Path, root: Path) -> list[str]:
    """Return that an earlier version made the model; of the registry's copies nobody wants to know that."""
    try:
        check_layout(model, model.relative_to(root))
    except ModelError as error:
        return [str(error)]
    return []


def _check_copy(folder: Path, root: Path) -> list[str]:
    advice = f"copy a whole {PACKAGE} of the same digest over it, or take its aliases off that version"
    return _verify_package(folder, root, f"the registry's copy: {advice}")


def _verify_package(folder: Path, root: Path, advice: str) -> list[str]:
    from satiety import package

    return [f"{folder.relative_to(root)}: {problem}; {advice}" for problem in package.verify(folder)]
