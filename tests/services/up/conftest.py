"""A copy of the project with real services; a test starts or stops them only if the test before it did not."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

CODE = ("satiety", "tasks", "flows", "cli", "dvc.yaml", "params.yaml", "prefect.yaml")
FOREIGN = ("PREFECT_", "MLFLOW_", "SATIETY_")
"""Prefixes of variables that must not come from the environment of the tests."""


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Home:
    """A copy of the project with its own ports."""

    root: Path
    prefect: int = field(default_factory=find_free_port)
    mlflow: int = field(default_factory=find_free_port)

    def build_environment(self) -> dict[str, str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        ports = {"SATIETY_PREFECT_PORT": str(self.prefect), "SATIETY_MLFLOW_PORT": str(self.mlflow)}
        return variables | ports | {"PATH": path, "PYTHONPATH": str(self.root)}

    def run_satiety(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command, environment = [sys.executable, "-m", "cli.main", *words], self.build_environment() | variables
        return subprocess.run(command, cwd=self.root, env=environment, text=True, capture_output=True, check=False)

    def find_members(self) -> dict[psutil.Process, dict[str, str]]:
        """Return every process of the services, including descendants, and its environment."""
        members = {}
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if environment.get("SATIETY_SERVICES_OF") == str(self.root):
                members[process] = environment
        return members


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The copy; services that a test left running are stopped at the end of the session."""
    root = tmp_path_factory.mktemp("services") / "project"
    for name in filter(os.path.exists, CODE):
        if Path(name).is_dir():
            shutil.copytree(name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(name, root / name)
    (root / ".dvc").mkdir()
    shutil.copy(".dvc/config", root / ".dvc/config")
    copy = Home(root)
    yield copy
    copy.run_satiety("down")


@pytest.fixture
def stopped_home(home: Home) -> Home:
    """The copy with its services stopped."""
    home.run_satiety("down")
    return home


@pytest.fixture
def up_process(home: Home) -> subprocess.CompletedProcess[str]:
    """The process of `satiety up`; services that already run are left running."""
    process = home.run_satiety("up")
    assert process.returncode == 0, process.stdout + process.stderr
    return process
