"""Every stage by itself, killed or on a full disk: the same command again gives what it would have given."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.patience import PATIENCE, wait_until
from tests.pipeline.project import Project, ran
from tests.pipeline.server import alive
from tests.pipeline.stages import LINES, Line, left

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

ATTEMPTS = 5
"""How often a process may end before it is killed: the machine may have been busy with others."""


@pytest.fixture
def small(finished: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy on a disk of its own, of 64 MB, that a test fills."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"only who may mount a file system can fill one: {mounted.stderr.strip()}")
    try:
        yield finished.copy(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def points(project: Project, stage: Line) -> list[Callable[[], bool]]:
    """Return what a stage has come to when it is killed: soon after its beginning, and between its last writes."""
    root = project.root

    def early() -> bool:
        lock = root / f".satiety/{stage.name}.lock"
        holder = lock.read_text() if lock.exists() else ""
        return holder.isdigit() and alive(int(holder))

    def late() -> bool:
        return any((root / out).exists() for out in stage.outs)

    match stage.name:
        case "finetune":
            return [lambda: any(root.glob(".satiety/checkpoints/finetune/*/state.json")), late]
        case "worth":
            return [lambda: any(root.glob(".satiety/worth/cells/**/*.safetensors")), late]
        case "register":
            return [early, late, lambda: any(root.glob("mlartifacts/**/MLmodel"))]
        case "promote":
            return [lambda: half_made(root), lambda: bool(champions(root))]
    return [early, late]


def half_made(root: Path) -> bool:
    """Return whether some of MLflow's tables are made, wherever that is."""
    with suppress(FileNotFoundError):  # it has its name by now
        return any(path.stat().st_size > 300_000 for path in root.glob("*mlflow.db*"))
    return False


def champions(root: Path) -> list[tuple[str, str]]:
    """Return the version that is champion, and the digest of its package."""
    asked = (
        "select a.version, t.value from registered_model_aliases a join model_version_tags t "
        "on a.name = t.name and a.version = t.version where a.alias = 'champion' and t.key = 'satiety.digest'"
    )
    with suppress(sqlite3.Error):
        store = sqlite3.connect(f"file:{root / 'mlflow.db'}?mode=ro", uri=True)
        try:
            return [(str(version), digest) for version, digest in store.execute(asked)]
        finally:
            store.close()
    return []


def kill(project: Project, stage: Line, reached: Callable[[], bool]) -> None:
    """Run the stage, and kill it when it has come to a point; all that it started ends."""
    for _ in range(ATTEMPTS):
        silent = subprocess.DEVNULL
        environment = project.environment() | {"SATIETY_CHECKPOINT_SECONDS": "0"}
        process = subprocess.Popen(stage.command, cwd=project.root, env=environment, stdout=silent, stderr=silent)
        while process.poll() is None and not reached():
            time.sleep(0.001)
        below = []
        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        if process.wait() == -signal.SIGKILL:
            wait_until(lambda below=below: not any(alive(child.pid) for child in below), every=0.5)
            return
        stage.clear(project)
    raise AssertionError(f"{stage.name}: ended {ATTEMPTS} times before it could be killed")


@pytest.mark.parametrize("name", [name for name in LINES if name != "promote"])
def test_a_stage_that_is_killed_again_and_again_gives_what_it_would_have_given(project: Project, name: str) -> None:
    stage = LINES[name]
    expected = stage.made(project)
    assert expected
    stage.clear(project)
    if name == "worth":
        shutil.rmtree(project.root / ".satiety/worth")  # else nothing is left to be computed
    for reached in points(project, stage):
        kill(project, stage, reached)
    process = project.run(*stage.command)
    assert process.returncode == 0, process.stderr
    assert stage.made(project) == expected
    assert left(project) == []
    assert ran(project.repro("--dry").stdout) == []


def test_promote_that_is_killed_again_and_again_decides_once(project: Project) -> None:
    stage, digest = LINES["promote"], project.report("register")["digest"]
    stage.clear(project)
    for reached in points(project, stage):
        kill(project, stage, reached)
    process = project.run(*stage.command)
    assert process.returncode == 0, process.stderr
    assert champions(project.root) == [("1", digest)]
    assert project.report("promote")["decision"] in ("promoted", "unchanged")
    assert left(project) == []
    assert not list((project.root / ".satiety/outbox").glob("*/run.json")), "every run arrived, the killed ones too"


@contextmanager
def fill(project: Project, leave: int) -> Iterator[None]:
    """Leave so many bytes free on the project's disk within the block."""
    ballast = project.root.parent / "ballast"
    with ballast.open("wb") as out:
        os.posix_fallocate(out.fileno(), 0, shutil.disk_usage(ballast.parent).free - leave)
    try:
        assert shutil.disk_usage(ballast.parent).free == leave
        yield
    finally:
        ballast.unlink()


def check_refused(done: subprocess.CompletedProcess[str]) -> None:
    """Check that the disk is called full in one line that names a path."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("INFO ", "WARNING "))]
    assert done.returncode == 1, done.stderr
    assert len(lines) == 1, done.stderr
    assert "/" in lines[0].partition(": cannot write: ")[0]
    assert ": cannot write: no space left" in lines[0].lower()


@pytest.mark.parametrize("name", LINES)
def test_a_full_disk_is_one_message_and_with_room_again_all_is_as_it_would_have_been(small: Project, name: str) -> None:
    stage = LINES[name]
    expected = stage.made(small)
    for blocks in (0, 1 + stage.pages(small) // 2):
        stage.clear(small)
        with fill(small, 4096 * blocks):
            check_refused(small.run(*stage.command))
        assert left(small) == []
    process = small.run(*stage.command)
    assert process.returncode == 0, process.stderr
    if name == "promote":
        assert small.report(name)["decision"] == "promoted"
    else:
        assert stage.made(small) == expected
    assert left(small) == []


def test_register_goes_on_and_promote_calls_the_disk_full_where_mlflow_finds_no_room_for_its_tables(
    project: Project, small: Project
) -> None:
    store = small.root.parent / "elsewhere.db"
    elsewhere = project.environment() | {"SATIETY_TRACKING_URI": f"sqlite:///{store}"}

    def run(stage: Line) -> subprocess.CompletedProcess[str]:
        said = {"text": True, "capture_output": True}
        return subprocess.run(stage.command, cwd=project.root, env=elsewhere, check=False, timeout=PATIENCE, **said)

    register, promote = LINES["register"], LINES["promote"]
    expected = register.made(project)
    register.clear(project)
    with fill(small, 150 * 4096):
        process = run(register)
        assert process.returncode == 0, process.stderr
        assert "Traceback" not in process.stderr
        assert f"{store}: cannot write: no space left on its disk" in process.stderr
        assert register.made(project) == expected
        check_refused(run(promote))
    process = run(promote)
    assert process.returncode == 0, process.stderr
    assert project.report("promote")["decision"] == "promoted"
    assert not list((project.root / ".satiety/outbox").glob("*/run.json")), "what was measured arrived"
    assert [path.name for path in store.parent.iterdir() if path.name.startswith((".", "elsewhere"))] == [store.name]
