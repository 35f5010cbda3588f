"""Independent stages run in parallel, and dvc.lock is the same as after a sequential run."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flows")]

INPUTS = {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "c"], "e": ["b", "d"]}
"""Stage -> its inputs, as in dvc.yaml: b (retrieve) and c (augment) read a (validate)."""
TRIALS = 10
WORK = """import random, sys, time, pathlib
out, *read = sys.argv[1:]
time.sleep(random.uniform(0.05, 0.4))
pathlib.Path(out).write_text("".join(pathlib.Path(name).read_text() for name in read) + out + chr(10))
meeting = pathlib.Path("meeting")
if meeting.is_dir() and out in "bc":
    (meeting / out).touch()
    deadline = time.monotonic() + 600
    while not ((meeting / "b").exists() and (meeting / "c").exists()):
        assert time.monotonic() < deadline, "the other stage did not start"
        time.sleep(0.05)
"""


@pytest.fixture
def small_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC project of five stages, each of which takes a random time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    Path("work.py").write_text(WORK)
    stages = {
        name: {"cmd": " ".join(["python work.py", name, *inputs]), "deps": ["work.py", *inputs], "outs": [name]}
        for name, inputs in INPUTS.items()
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    from flows.dvc import build_environment

    subprocess.run(["dvc", "init", "-q", "--no-scm"], env=build_environment(), check=True)
    return tmp_path


def remove_outputs() -> None:
    """Remove the outputs, dvc.lock and the cache."""
    for name in INPUTS:
        Path(name).unlink(missing_ok=True)
    Path("dvc.lock").unlink(missing_ok=True)
    shutil.rmtree(".dvc/cache", ignore_errors=True)


def run_all() -> dict[str, Any]:
    from prefect import flow

    from flows import dvc
    from flows.pipeline import RunOptions, run_stages

    @flow
    def all_stages() -> dict[str, Any]:
        upstream = dvc.read_stages()
        return run_stages(RunOptions([], None, "trial"), upstream, dvc.find_stale(upstream), "")

    return all_stages()


@pytest.mark.long
def test_dvc_lock_of_parallel_and_sequential_runs_is_equal(small_project: Path) -> None:
    from flows.dvc import build_environment, build_repro_command

    for stage in INPUTS:
        subprocess.run(build_repro_command(stage), env=build_environment(), check=True, capture_output=True)
    sequential = Path("dvc.lock").read_bytes()
    for _ in range(TRIALS):
        remove_outputs()
        states = run_all()
        assert {state.name for state in states.values()} == {"Completed"}
        assert Path("dvc.lock").read_bytes() == sequential


def test_independent_stages_run_at_the_same_time(small_project: Path) -> None:
    """Neither b nor c ends before the other has started."""
    Path("meeting").mkdir()
    assert {state.name for state in run_all().values()} == {"Completed"}


def test_unchanged_stages_are_marked_as_cached(small_project: Path) -> None:
    run_all()
    second_run = run_all()
    assert {(state.name, state.type.value) for state in second_run.values()} == {("Cached", "COMPLETED")}
    Path("c").unlink()
    third = run_all()
    assert {name: state.name for name, state in third.items()} == {
        "a": "Cached",
        "b": "Cached",
        "c": "Cached",
        "d": "Cached",
        "e": "Cached",
    }
    assert "restored" in str(third["c"].message)


def test_a_failed_stage_stops_only_its_dependent_stages(small_project: Path) -> None:
    from flows.commands import StageError

    text = Path("dvc.yaml").read_text()
    fails = "echo tried >> tries && echo no such file && exit 1"
    Path("dvc.yaml").write_text(text.replace("python work.py c a", fails))
    with pytest.raises(StageError, match=r"stage c ended with code 255; its last lines:\n[\s\S]*no such file"):
        run_all()
    assert Path("b").exists()
    assert not Path("d").exists()
    assert Path("tries").read_text().split() == ["tried"], "a failed stage was retried"
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    assert json.dumps(sorted(lock["stages"])) == '["a", "b"]'


def test_a_stage_that_exits_with_code_75_is_retried(small_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.stages import reproduce

    monkeypatch.setattr(reproduce, "retry_delay_seconds", [0.1, 0.1])
    text = Path("dvc.yaml").read_text()
    failing = "test -e tried && python work.py c a || (touch tried; exit 75)"
    Path("dvc.yaml").write_text(text.replace("python work.py c a", failing))
    assert run_all()["c"].name == "Completed"
