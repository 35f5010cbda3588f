"""Every stage, killed or on a full disk: running it again gives the same outputs."""

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
from tests.pipeline.project import Project, list_stages_run
from tests.pipeline.server import alive
from tests.pipeline.stages import STAGES, Stage, find_leftovers

pytestmark = pytest.mark.slow

QUICK = ("finetune", "register", "promote")
"""Stages that `make test` kills and starves: a checkpoint, a folder, a registry. The others do so under -m long."""
EVERY_STAGE = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in STAGES]
ATTEMPTS = 5
"""How often a process may end before it can be killed, as on a busy machine."""


@pytest.fixture
def small_disk_project(finished_project: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy on its own disk of 64 MB, which a test fills."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"the test needs permission to mount a file system: {mounted.stderr.strip()}")
    try:
        yield finished_project.copy(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def get_kill_points(project: Project, stage: Stage) -> list[Callable[[], bool]]:
    """Return checks for the points at which a stage is killed: soon after its start, and between its last writes."""
    root = project.root

    def is_locked() -> bool:
        lock = root / f".satiety/{stage.name}.lock"
        holder = lock.read_text() if lock.exists() else ""
        return holder.isdigit() and alive(int(holder))

    def has_output() -> bool:
        return any((root / output).exists() for output in stage.outs)

    match stage.name:
        case "finetune":
            return [lambda: any(root.glob(".satiety/checkpoints/finetune/**/state.json")), has_output]
        case "worth":
            return [lambda: any(root.glob(".satiety/worth/runs/**/*.safetensors")), has_output]
        case "register":
            return [is_locked, has_output, lambda: any(root.glob("mlartifacts/**/MLmodel"))]
        case "promote":
            return [lambda: has_some_tables(root), lambda: bool(read_champions(root))]
    return [is_locked, has_output]


def has_some_tables(root: Path) -> bool:
    """Return whether MLflow has created some of its tables, in the final or a temporary file."""
    with suppress(FileNotFoundError):  # it was renamed meanwhile
        return any(path.stat().st_size > 300_000 for path in root.glob("*mlflow.db*"))
    return False


def read_champions(root: Path) -> list[tuple[str, str]]:
    """Return the champion version and the digest of its package."""
    query = (
        "select a.version, t.value from registered_model_aliases a join model_version_tags t "
        "on a.name = t.name and a.version = t.version where a.alias = 'champion' and t.key = 'satiety.digest'"
    )
    with suppress(sqlite3.Error):
        store = sqlite3.connect(f"file:{root / 'mlflow.db'}?mode=ro", uri=True)
        try:
            return [(str(version), digest) for version, digest in store.execute(query)]
        finally:
            store.close()
    return []


def run_and_kill(project: Project, stage: Stage, is_reached: Callable[[], bool]) -> None:
    """Run the stage, kill it at a point, and wait until its child processes have ended."""
    for _ in range(ATTEMPTS):
        silent = subprocess.DEVNULL
        environment = project.build_environment() | {"SATIETY_CHECKPOINT_SECONDS": "0"}
        process = subprocess.Popen(stage.command, cwd=project.root, env=environment, stdout=silent, stderr=silent)
        while process.poll() is None and not is_reached():
            time.sleep(0.001)
        children = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        if process.wait() == -signal.SIGKILL:
            wait_until(lambda children=children: not any(alive(child.pid) for child in children), every=0.5)
            return
        stage.clear(project)
    raise AssertionError(f"{stage.name}: ended {ATTEMPTS} times before it could be killed")


@pytest.mark.parametrize("name", [case for case in EVERY_STAGE if case.values != ("promote",)])
def test_a_stage_killed_repeatedly_gives_the_same_outputs(project: Project, name: str) -> None:
    stage = STAGES[name]
    expected = stage.digest_outputs(project)
    assert expected
    stage.clear(project)
    if name == "worth":
        shutil.rmtree(project.root / ".satiety/worth")  # otherwise every run is cached
    for is_reached in get_kill_points(project, stage):
        run_and_kill(project, stage, is_reached)
    process = project.run(*stage.command)
    assert process.returncode == 0, process.stderr
    assert stage.digest_outputs(project) == expected
    assert find_leftovers(project) == []
    assert list_stages_run(project.repro("--dry").stdout) == []


def test_promote_killed_repeatedly_decides_once(project: Project) -> None:
    stage, digest = STAGES["promote"], project.read_report("register")["digest"]
    stage.clear(project)
    for is_reached in get_kill_points(project, stage):
        run_and_kill(project, stage, is_reached)
    process = project.run(*stage.command)
    assert process.returncode == 0, process.stderr
    assert read_champions(project.root) == [("1", digest)]
    assert project.read_report("promote")["decision"] in ("promoted", "unchanged")
    assert find_leftovers(project) == []
    assert not list((project.root / ".satiety/outbox").glob("*/run.json")), "a run was not published"


@contextmanager
def fill_disk(project: Project, leave: int) -> Iterator[None]:
    """Fill the project's disk up to some free bytes within the block."""
    ballast = project.root.parent / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(ballast.parent).free - leave)
    try:
        assert shutil.disk_usage(ballast.parent).free == leave
        yield
    finally:
        ballast.unlink()


def assert_disk_full(process: subprocess.CompletedProcess[str]) -> None:
    """Check that the error is one line that names a path and a full disk."""
    lines = [line for line in process.stderr.splitlines() if not line.startswith(("INFO ", "WARNING "))]
    assert process.returncode == 1, process.stderr
    assert len(lines) == 1, process.stderr
    assert "/" in lines[0].partition(": cannot write: ")[0]
    assert ": cannot write: no space left" in lines[0].lower()


@pytest.mark.parametrize("name", EVERY_STAGE)
def test_a_full_disk_is_one_error_and_the_next_run_gives_the_same_outputs(
    small_disk_project: Project, name: str
) -> None:
    stage = STAGES[name]
    expected = stage.digest_outputs(small_disk_project)
    for blocks in (0, 1 + stage.count_blocks(small_disk_project) // 2):
        stage.clear(small_disk_project)
        with fill_disk(small_disk_project, 4096 * blocks):
            assert_disk_full(small_disk_project.run(*stage.command))
        assert find_leftovers(small_disk_project) == []
    process = small_disk_project.run(*stage.command)
    assert process.returncode == 0, process.stderr
    if name == "promote":
        assert small_disk_project.read_report(name)["decision"] == "promoted"
    else:
        assert stage.digest_outputs(small_disk_project) == expected
    assert find_leftovers(small_disk_project) == []


def test_without_room_for_the_tables_of_mlflow_register_completes_and_promote_fails(
    project: Project, small_disk_project: Project
) -> None:
    store = small_disk_project.root.parent / "elsewhere.db"
    environment = project.build_environment() | {"SATIETY_TRACKING_URI": f"sqlite:///{store}"}

    def run_stage(stage: Stage) -> subprocess.CompletedProcess[str]:
        options = {"text": True, "capture_output": True}
        return subprocess.run(
            stage.command, cwd=project.root, env=environment, check=False, timeout=PATIENCE, **options
        )

    register, promote = STAGES["register"], STAGES["promote"]
    expected = register.digest_outputs(project)
    register.clear(project)
    with fill_disk(small_disk_project, 150 * 4096):
        process = run_stage(register)
        assert process.returncode == 0, process.stderr
        assert "Traceback" not in process.stderr
        assert f"{store}: cannot write: no space left on its disk" in process.stderr
        assert register.digest_outputs(project) == expected
        assert_disk_full(run_stage(promote))
    process = run_stage(promote)
    assert process.returncode == 0, process.stderr
    assert project.read_report("promote")["decision"] == "promoted"
    assert not list((project.root / ".satiety/outbox").glob("*/run.json")), "a run was not published"
    assert [path.name for path in store.parent.iterdir() if path.name.startswith((".", "elsewhere"))] == [store.name]
