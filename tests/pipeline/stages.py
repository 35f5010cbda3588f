"""The stages as dvc.yaml has them, and `promote`: how each is run, what it makes, what it must not leave."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from satiety.core.files import manifest, sha256
from tests.pipeline.project import Project

FILE = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
NAMES = {name: value for group in FILE["vars"] for name, value in group.items()}
STORE = ("mlflow.db", "mlartifacts")
"""Where MLflow keeps what `register` and `promote` tell it."""


@dataclass(frozen=True)
class Line:
    """A stage as it is run by itself."""

    name: str
    command: tuple[str, ...]
    outs: tuple[str, ...]

    def clear(self, project: Project) -> None:
        """Remove what it made, as DVC does before it runs a stage; of the last two, what MLflow knows as well."""
        for out in [*self.outs, *(STORE if self.name in ("register", "promote") else ())]:
            path = project.root / out
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def made(self, project: Project) -> dict[str, str]:
        """Return the digest of every file that it made."""
        digests: dict[str, str] = {}
        for out in self.outs:
            path = project.root / out
            inner = manifest(path) if path.is_dir() else {"": sha256(path)} if path.exists() else {}
            digests |= {f"{out}/{name}": digest for name, digest in inner.items()}
        return digests

    def pages(self, project: Project) -> int:
        """Return how many blocks of 4,096 bytes its outs fill."""
        paths = [path for out in self.outs for path in [project.root / out, *(project.root / out).rglob("*")]]
        return sum(-(-path.stat().st_size // 4096) for path in paths if path.is_file())


def real(text: str) -> str:
    """Return a text of dvc.yaml with its names filled in."""
    return re.sub(r"\$\{(\w+)\}", lambda match: NAMES[match[1]], text)


def line(name: str) -> Line:
    """Return a stage of dvc.yaml, or `promote`."""
    if name == "promote":
        return Line(name, (sys.executable, "-m", "tasks.promote"), ("reports/promote.json",))
    stage = FILE["stages"][name]
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    outs = [real(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries]
    return Line(name, (sys.executable, *real(stage["cmd"]).split()[2:]), tuple(outs))  # after `exec python`


LINES = {name: line(name) for name in (*FILE["stages"], "promote")}


def left(project: Project) -> list[str]:
    """Return what no process may leave: files that it began, and folders of the outbox that were put aside."""
    paths = [path for path in project.root.rglob(".*.tmp*") if ".git" not in path.parts]
    paths += list(project.root.glob(".satiety/**/*.damaged"))
    return sorted(path.relative_to(project.root).as_posix() for path in paths)
