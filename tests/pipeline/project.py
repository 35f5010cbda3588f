"""A copy of the project with a git and a DVC of its own, and what a test asks of it."""

import json
import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.patience import PATIENCE


@dataclass(frozen=True)
class Project:
    """A copy of the project, with a git and a DVC of its own."""

    root: Path

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in it; return how it ended and what it said."""
        where, around = cwd or self.root, self.environment()
        return subprocess.run(
            command, cwd=where, env=around, text=True, capture_output=True, check=False, timeout=PATIENCE
        )

    def environment(self) -> dict[str, str]:
        """Return the surroundings of every command: the copy's code before any other, one thread, no GPU.

        A shell that stays beside what it starts, as it is for daemons: a stage must not outlive its DVC there either.
        """
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        ours = {"PATH": path, "PYTHONPATH": str(self.root), "SATIETY_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
        return os.environ | ours | {"SHELL": "/bin/sh"}

    def copy(self, folder: Path) -> "Project":
        """Return a copy of it in a folder."""
        root = folder / "project"
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root)

    def repro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `dvc repro`."""
        return self.run("dvc", "repro", *arguments)

    def report(self, stage: str) -> dict[str, Any]:
        """Return what a stage reported."""
        values: dict[str, Any] = json.loads((self.root / "reports" / f"{stage}.json").read_text(encoding="utf-8"))
        return values

    def params(self) -> dict[str, Any]:
        """Return params.yaml."""
        values: dict[str, Any] = yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8"))
        return values

    def write_params(self, params: dict[str, Any]) -> None:
        """Write params.yaml."""
        text = yaml.safe_dump(params, allow_unicode=True, sort_keys=False)
        (self.root / "params.yaml").write_text(text, encoding="utf-8")

    def digests(self) -> dict[str, str]:
        """Return the digest of every out, as dvc.lock has it."""
        lock = yaml.safe_load((self.root / "dvc.lock").read_text(encoding="utf-8"))
        return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}


def ran(output: str) -> list[str]:
    """Return the stages that `dvc repro` says it ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
