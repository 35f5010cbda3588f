"""However a project is first used, no other user of the machine can read its state or write anything in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.services import prepare
from satiety.core.state import MARKER, SITE, STATE
from tests.pipeline.project import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("private"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run commands as another user"),
]

NOBODY = 65534
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org")
PACKAGE = ("models", "dvc.lock", "data", "reports", "plots", ".dvc/cache", "mlflow.db", "mlartifacts")
"""What a run writes outside the state folder."""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may read, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="satiety-public-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clone(template: Path, public: Path) -> Project:
    """A `git clone` made with the usual umask, and the raw files."""
    origin = public / "origin"
    shutil.copytree(template, origin, symlinks=True)
    for words in (["add", "-A"], ["add", "-f", str(SITE / "repo" / MARKER)], [*IDENTITY, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=origin, check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(public / "clone")], check=True, umask=0o022)
    shutil.copytree(origin / "data/raw", public / "clone/data/raw", dirs_exist_ok=True)
    shutil.rmtree(origin)
    return Project(public / "clone")


@pytest.fixture
def stateless(finished_project: Project, public: Path) -> Project:
    """A copy of the finished project without its state."""
    shutil.copytree(finished_project.root, public / "project", symlinks=True, ignore=shutil.ignore_patterns(STATE.name))
    return Project(public / "project")


def find_accessible(root: Path, *tests: str) -> list[str]:
    """Return the paths below ``root`` that pass the ``tests`` of find for another user, who can read the root."""
    root_check = ["find", str(root), "-maxdepth", "0", "-readable"]
    assert subprocess.run(
        root_check, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=True
    ).stdout
    command = ["find", str(root), "!", "-type", "l", *tests]
    process = subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=[], text=True, capture_output=True, check=False
    )
    return process.stdout.splitlines()


def find_writable(root: Path) -> list[str]:
    return find_accessible(root, "-writable")


def find_accessible_state(root: Path) -> list[str]:
    """Return the paths of any state folder that another user can read, write or list."""
    name = STATE.name
    return find_accessible(
        root, "(", "-path", f"*/{name}/*", "-o", "-name", name, ")", "(", "-readable", "-o", "-writable", ")"
    )


def run_checked(project: Project, *command: str, cwd: Path | None = None) -> None:
    process = project.run(*command, cwd=cwd)
    assert process.returncode == 0, process.stdout + process.stderr


def test_dvc_in_a_fresh_clone_makes_nothing_writable_for_others(clone: Project) -> None:
    run_checked(clone, "dvc", "status")
    assert list((clone.root / SITE / "repo").iterdir()) != [clone.root / SITE / "repo" / MARKER], "DVC wrote nothing"
    assert find_writable(clone.root) == []


def test_a_stage_in_a_fresh_clone_makes_the_state_private(clone: Project) -> None:
    run_checked(clone, "dvc", "repro", "ingest")
    assert find_writable(clone.root) == []
    assert find_accessible_state(clone.root) == []


def test_the_folder_of_another_problem_is_private_too(clone: Project) -> None:
    folder = clone.root / "mine"
    shutil.copytree(clone.root / "data/raw", folder / "data/raw")
    shutil.copy(clone.root / "params.yaml", folder / "params.yaml")
    run_checked(clone, "satiety", "check", "mine/params.yaml")
    run_checked(clone, "satiety", "workspace", "mine/params.yaml")
    assert find_accessible_state(clone.root) == []
    run_checked(clone, "dvc", "repro", "ingest", cwd=folder)
    assert (clone.root / STATE).is_dir()
    assert (folder / STATE).is_dir()
    assert find_writable(clone.root) == []
    assert find_accessible_state(clone.root) == []


@pytest.mark.parametrize(
    "command",
    [
        ("satiety", "predict", "our hotel room great lovely"),
        ("satiety", "history"),
        (sys.executable, "-m", "tasks.promote"),
        (sys.executable, "-m", "flows.pipeline"),
    ],
    ids=lambda command: command[-1].split()[0],
)
def test_the_first_command_in_a_project_makes_it_private(stateless: Project, command: tuple[str, ...]) -> None:
    run_checked(stateless, *command)
    assert (stateless.root / STATE).is_dir()
    assert find_writable(stateless.root) == []
    assert find_accessible_state(stateless.root) == []


def test_the_services_start_in_a_private_folder(public: Path) -> None:
    prepare(public)
    assert (public / STATE / "services.env").is_file()
    assert find_accessible_state(public) == []


@pytest.mark.parametrize("entry", ["stage", "command"])
def test_a_state_folder_writable_by_others_is_removed_or_warned_about(clone: Project, entry: str) -> None:
    """A `satiety` command removes it; a stage, which DVC starts after reading it, only warns."""
    run_checked(clone, "dvc", "status")
    planted = clone.root / SITE / "repo" / "planted"
    planted.mkdir()
    for folder in (STATE, SITE, SITE / "repo"):
        (clone.root / folder).chmod(0o777)
    assert find_writable(clone.root)
    process = clone.run("satiety", "check") if entry == "command" else clone.run("dvc", "repro", "ingest")
    assert process.returncode == 0, process.stderr
    assert f"{STATE} was writable by other users" in process.stderr
    assert planted.exists() == (entry == "stage")
    assert (clone.root / SITE / "repo" / MARKER).is_file(), "the committed marker was removed"
    assert find_writable(clone.root) == []
    assert find_accessible_state(clone.root) == []
    repeated = clone.run("satiety", "check")
    assert (repeated.returncode, repeated.stderr) == (0, "")
