"""A copy of the project with its own git and DVC repositories, and helpers for tests."""

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
    """A copy of the project with its own git and DVC repositories."""

    root: Path

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the project; return its exit code and output."""
        folder, environment = cwd or self.root, self.build_environment()
        return subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, check=False, timeout=PATIENCE
        )

    def build_environment(self) -> dict[str, str]:
        """Return the environment of every command: the code of the copy first, one thread, no GPU.

        /bin/sh keeps running beside its child, as under a daemon: a stage must not outlive its DVC there either.
        """
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        variables = {"PATH": path, "PYTHONPATH": str(self.root), "SATIETY_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
        return os.environ | variables | {"SHELL": "/bin/sh"}

    def copy(self, folder: Path) -> "Project":
        """Return a copy of it in a folder."""
        root = folder / "project"
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root)

    def repro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `dvc repro`."""
        return self.run("dvc", "repro", *arguments)

    def read_report(self, stage: str) -> dict[str, Any]:
        """Return the report of a stage."""
        values: dict[str, Any] = json.loads((self.root / "reports" / f"{stage}.json").read_text(encoding="utf-8"))
        return values

    def read_params(self) -> dict[str, Any]:
        """Return params.yaml."""
        values: dict[str, Any] = yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8"))
        return values

    def write_params(self, params: dict[str, Any]) -> None:
        """Write params.yaml."""
        text = yaml.safe_dump(params, allow_unicode=True, sort_keys=False)
        (self.root / "params.yaml").write_text(text, encoding="utf-8")

    def read_digests(self) -> dict[str, str]:
        """Return the digest of every output in dvc.lock."""
        lock = yaml.safe_load((self.root / "dvc.lock").read_text(encoding="utf-8"))
        return {output["path"]: output["md5"] for stage in lock["stages"].values() for output in stage["outs"]}


def list_stages_run(output: str) -> list[str]:
    """Return the stages that `dvc repro` says it ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
