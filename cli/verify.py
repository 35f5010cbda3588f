"""Every artefact, cached object, package and registered copy -> what differs from its digest.

DVC does not notice a flipped byte. Every stage hashes what it reads; this hashes all that there is.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from satiety.errors import DataError, ModelError, SetupError
from satiety.package.contents import MODEL
from satiety.progress import track
from satiety.tuning.layout import check_layout
from tasks.integrity import Out, added_outs, file_md5, locked_outs
from tasks.mending import complaints

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
    outs = [out for lock in locks for out in locked_outs(lock)]
    outs += [out for lock in locks for out in added_outs(lock.parent / "data")]
    objects = sorted(path for path in (root / CACHE).glob("??/*") if path.is_file())
    packages = [folder for folder in (lock.parent / PACKAGE for lock in locks) if folder.is_dir()]
    copies = sorted(path for path in (root / REGISTRY).glob("**/data/package") if path.is_dir())
    damaged = [out for out in track(outs, "artefacts") if out.path.exists() and not out.whole]
    wrong = complaints(damaged, root) if damaged else []
    wrong += _missing(outs, root)
    wrong += _objects(track(objects, "cached objects"), root, spoiled=bool(damaged))
    wrong += [problem for package in packages for problem in _package(package, root)]
    wrong += [problem for copy in track(copies, "registered packages") for problem in _copy(copy, root)]
    if wrong:
        raise DataError("\n".join([f"{len(wrong)} not whole:", *wrong]))
    counts = f"{len(outs)} artefacts, {len(objects)} cached objects, {len(packages)} packages"
    return f"whole: {counts}, {len(copies)} registered"


def _locks(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED]
        if "dvc.lock" in files:
            yield Path(folder, "dvc.lock")


def _objects(paths: Iterable[Path], root: Path, *, spoiled: bool) -> list[str]:
    """Return the damaged objects; where an artefact is damaged, too, `dvc commit` would record that one as it is."""
    whole = "remove it, then `dvc commit -f dvc.yaml`, or `dvc fetch` from a remote"
    advice = "mend the artefacts above first, then verify again" if spoiled else whole
    return [
        f"{path.relative_to(root)}: is not what its name says; {advice}"
        for path in paths
        if file_md5(path) != path.parent.name + path.name.removesuffix(".dir")
    ]


def _missing(outs: Iterable[Out], root: Path) -> list[str]:
    gone = [(out.path.relative_to(root), out.stage) for out in outs if not out.path.exists()]
    again = {path: ", or `dvc repro` makes it" if stage else "" for path, stage in gone}
    return [f"{path}: missing; `dvc checkout {path}` brings it back{more}" for path, more in again.items()]


def _package(folder: Path, root: Path) -> list[str]:
    where = folder.relative_to(root)
    wrong = _verified(folder, root, f"remove the folder, then `dvc checkout {where}`, or `dvc repro`")
    return wrong or _outdated(folder / MODEL, root)


def _outdated(model: Path, root: Path) -> list[str]:
    """Return that an earlier version made the model; of the registry's copies nobody wants to know that."""
    try:
        check_layout(model, model.relative_to(root))
    except ModelError as error:
        return [str(error)]
    return []


def _copy(folder: Path, root: Path) -> list[str]:
    advice = f"copy a whole {PACKAGE} of the same digest over it, or take its aliases off that version"
    return _verified(folder, root, f"the registry's copy: {advice}")


def _verified(folder: Path, root: Path, advice: str) -> list[str]:
    from satiety import package

    return [f"{folder.relative_to(root)}: {problem}; {advice}" for problem in package.verify(folder)]
