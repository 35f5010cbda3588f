"""By whatever way a project is entered: no other user of the machine reads its state, or writes anything in it."""

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
    pytest.mark.xdist_group("pipeline"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as another user"),
]

NOBODY = 65534
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org")
PACKAGE = ("models", "dvc.lock", "data", "reports", "plots", ".dvc/cache", "mlflow.db", "mlartifacts")
"""What a run leaves beside the state."""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder into which everybody may look, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="satiety-public-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clone(template: Path, public: Path) -> Project:
    """What `git clone` gives under the usual umask, with the raw files."""
    origin = public / "origin"
    shutil.copytree(template, origin, symlinks=True)
    for words in (["add", "-A"], ["add", "-f", str(SITE / "repo" / MARKER)], [*IDENTITY, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=origin, check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(public / "clone")], check=True, umask=0o022)
    shutil.copytree(origin / "data/raw", public / "clone/data/raw", dirs_exist_ok=True)
    shutil.rmtree(origin)
    return Project(public / "clone")


@pytest.fixture
def stateless(finished: Project, public: Path) -> Project:
    """A copy of the project after a run, its state left out."""
    shutil.copytree(finished.root, public / "project", symlinks=True, ignore=shutil.ignore_patterns(STATE.name))
    return Project(public / "project")


def others(root: Path, *tests: str) -> list[str]:
    """Return the paths below ``root`` of which another user's access passes find's ``tests``; he sees the root."""
    seen = ["find", str(root), "-maxdepth", "0", "-readable"]
    assert subprocess.run(seen, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=True).stdout
    command = ["find", str(root), "!", "-type", "l", *tests]
    process = subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=[], text=True, capture_output=True, check=False
    )
    return process.stdout.splitlines()


def writable(root: Path) -> list[str]:
    return others(root, "-writable")


def state(root: Path) -> list[str]:
    """Return what another user may read, write or list of any state folder."""
    name = STATE.name
    return others(root, "(", "-path", f"*/{name}/*", "-o", "-name", name, ")", "(", "-readable", "-o", "-writable", ")")


def done(project: Project, *command: str, cwd: Path | None = None) -> None:
    ended = project.run(*command, cwd=cwd)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_dvc_alone_in_a_fresh_clone_opens_nothing_to_writing(clone: Project) -> None:
    done(clone, "dvc", "status")
    assert list((clone.root / SITE / "repo").iterdir()) != [clone.root / SITE / "repo" / MARKER], "DVC was there"
    assert writable(clone.root) == []


def test_dvc_alone_in_a_fresh_clone_leaves_its_state_private_once_a_stage_ran(clone: Project) -> None:
    done(clone, "dvc", "repro", "ingest")
    assert writable(clone.root) == []
    assert state(clone.root) == []


def test_a_folder_of_a_problem_of_its_own_is_private_with_its_project(clone: Project) -> None:
    mine = clone.root / "mine"
    shutil.copytree(clone.root / "data/raw", mine / "data/raw")
    shutil.copy(clone.root / "params.yaml", mine / "params.yaml")
    done(clone, "satiety", "check", "mine/params.yaml")
    done(clone, "satiety", "workspace", "mine/params.yaml")
    assert state(clone.root) == []
    done(clone, "dvc", "repro", "ingest", cwd=mine)
    assert (clone.root / STATE).is_dir()
    assert (mine / STATE).is_dir()
    assert writable(clone.root) == []
    assert state(clone.root) == []


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
def test_the_first_command_in_a_project_leaves_it_private(stateless: Project, command: tuple[str, ...]) -> None:
    done(stateless, *command)
    assert (stateless.root / STATE).is_dir()
    assert writable(stateless.root) == []
    assert state(stateless.root) == []


def test_the_services_begin_in_a_private_folder(public: Path) -> None:
    prepare(public)
    assert (public / STATE / "services.env").is_file()
    assert state(public) == []


@pytest.mark.parametrize("way", ["stage", "command"])
def test_what_others_could_have_planted_is_not_left_to_dvc(clone: Project, way: str) -> None:
    """A command of ours removes it; a stage, above which DVC has read it already, says what to do."""
    done(clone, "dvc", "status")
    planted = clone.root / SITE / "repo" / "planted"
    planted.mkdir()
    for folder in (STATE, SITE, SITE / "repo"):
        (clone.root / folder).chmod(0o777)
    assert writable(clone.root)
    ended = clone.run("satiety", "check") if way == "command" else clone.run("dvc", "repro", "ingest")
    assert ended.returncode == 0, ended.stderr
    assert f"{STATE} was writable by other users" in ended.stderr
    assert planted.exists() == (way == "stage")
    assert (clone.root / SITE / "repo" / MARKER).is_file(), "git has it"
    assert writable(clone.root) == []
    assert state(clone.root) == []
    again = clone.run("satiety", "check")
    assert (again.returncode, again.stderr) == (0, "")
