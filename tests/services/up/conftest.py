"""A copy of the project whose services really run; a test starts or ends them only where the one before did not."""

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
"""Variables that the tests' own surroundings must not bring in."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Home:
    """A copy of the project, with ports of its own."""

    root: Path
    prefect: int = field(default_factory=free_port)
    mlflow: int = field(default_factory=free_port)

    def environment(self) -> dict[str, str]:
        around = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        ports = {"SATIETY_PREFECT_PORT": str(self.prefect), "SATIETY_MLFLOW_PORT": str(self.mlflow)}
        return around | ports | {"PATH": path, "PYTHONPATH": str(self.root)}

    def satiety(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command, around = [sys.executable, "-m", "cli.main", *words], self.environment() | more
        return subprocess.run(command, cwd=self.root, env=around, text=True, capture_output=True, check=False)

    def members(self) -> dict[psutil.Process, dict[str, str]]:
        """Return every process of the services, of whatever generation, and its environment."""
        found = {}
        for process in psutil.process_iter():
            try:
                around = process.environ()
            except psutil.Error:
                continue
            if around.get("SATIETY_SERVICES_OF") == str(self.root):
                found[process] = around
        return found


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The copy; whatever a test left running in it ends with the session."""
    root = tmp_path_factory.mktemp("services") / "project"
    for name in filter(os.path.exists, CODE):
        if Path(name).is_dir():
            shutil.copytree(name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(name, root / name)
    (root / ".dvc").mkdir()
    shutil.copy(".dvc/config", root / ".dvc/config")
    made = Home(root)
    yield made
    made.satiety("down")


@pytest.fixture
def ended(home: Home) -> Home:
    """The copy while no service runs in it, whatever the test before it left."""
    home.satiety("down")
    return home


@pytest.fixture
def started(home: Home) -> subprocess.CompletedProcess[str]:
    """What `satiety up` said; the services answer, and those of the test before go on where it left them."""
    done = home.satiety("up")
    assert done.returncode == 0, done.stdout + done.stderr
    return done
