"""The stages of dvc.yaml and `promote`: their commands, their outputs, and what they must not leave behind."""

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
"""The files of MLflow that `register` and `promote` write."""


@dataclass(frozen=True)
class Stage:
    """The command and the outputs of a stage."""

    name: str
    command: tuple[str, ...]
    outs: tuple[str, ...]

    def clear(self, project: Project) -> None:
        """Remove its outputs, as DVC does before it runs a stage; for the last two stages also the files of MLflow."""
        for output in [*self.outs, *(STORE if self.name in ("register", "promote") else ())]:
            path = project.root / output
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def digest_outputs(self, project: Project) -> dict[str, str]:
        """Return the digest of every output file."""
        digests: dict[str, str] = {}
        for output in self.outs:
            path = project.root / output
            inner = manifest(path) if path.is_dir() else {"": sha256(path)} if path.exists() else {}
            digests |= {f"{output}/{name}": digest for name, digest in inner.items()}
        return digests

    def count_blocks(self, project: Project) -> int:
        """Return how many blocks of 4,096 bytes its outputs fill."""
        paths = [path for output in self.outs for path in [project.root / output, *(project.root / output).rglob("*")]]
        return sum(-(-path.stat().st_size // 4096) for path in paths if path.is_file())


def fill_variables(text: str) -> str:
    """Return a text of dvc.yaml with its variables filled in."""
    return re.sub(r"\$\{(\w+)\}", lambda match: NAMES[match[1]], text)


def build_stage(name: str) -> Stage:
    """Return a stage of dvc.yaml, or `promote`."""
    if name == "promote":
        return Stage(name, (sys.executable, "-m", "tasks.promote"), ("reports/promote.json",))
    stage = FILE["stages"][name]
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    outs = [fill_variables(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries]
    return Stage(name, (sys.executable, *fill_variables(stage["cmd"]).split()[2:]), tuple(outs))  # after `exec python`


STAGES = {name: build_stage(name) for name in (*FILE["stages"], "promote")}


def find_leftovers(project: Project) -> list[str]:
    """Return what no process may leave behind: unfinished files, and damaged folders of the outbox."""
    paths = [path for path in project.root.rglob(".*.tmp*") if ".git" not in path.parts]
    paths += list(project.root.glob(".satiety/**/*.damaged"))
    return sorted(path.relative_to(project.root).as_posix() for path in paths)
