"""Stages that do not need each other run side by side, and dvc.lock is as if one after another had run."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flows")]

SHAPE = {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "c"], "e": ["b", "d"]}
"""As ours: b (retrieve) and c (augment) read a (validate)."""
TRIALS = 10
WORK = """import random, sys, time, pathlib
out, *read = sys.argv[1:]
time.sleep(random.uniform(0.05, 0.4))
pathlib.Path(out).write_text("".join(pathlib.Path(one).read_text() for one in read) + out + chr(10))
meeting = pathlib.Path("meeting")
if meeting.is_dir() and out in "bc":
    (meeting / out).touch()
    latest = time.monotonic() + 600
    while not ((meeting / "b").exists() and (meeting / "c").exists()):
        assert time.monotonic() < latest, "the other one did not begin"
        time.sleep(0.05)
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC project of five stages, each of which takes its time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    Path("work.py").write_text(WORK)
    stages = {
        name: {"cmd": " ".join(["python work.py", name, *inputs]), "deps": ["work.py", *inputs], "outs": [name]}
        for name, inputs in SHAPE.items()
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    from flows.dvc import build_environment

    subprocess.run(["dvc", "init", "-q", "--no-scm"], env=build_environment(), check=True)
    return tmp_path


def forget() -> None:
    """Make everything new: outs, lock and cache."""
    for name in SHAPE:
        Path(name).unlink(missing_ok=True)
    Path("dvc.lock").unlink(missing_ok=True)
    shutil.rmtree(".dvc/cache", ignore_errors=True)


def run_all() -> dict[str, Any]:
    from prefect import flow

    from flows import dvc
    from flows.pipeline import Order, run_stages

    @flow
    def all_stages() -> dict[str, Any]:
        upstream = dvc.read_stages()
        return run_stages(Order([], None, "trial"), upstream, dvc.find_stale(upstream), "")

    return all_stages()


def test_the_lock_of_ten_parallel_runs_is_that_of_a_sequential_one_byte_for_byte(small: Path) -> None:
    from flows.dvc import build_environment, build_repro_command

    for stage in SHAPE:
        subprocess.run(build_repro_command(stage), env=build_environment(), check=True, capture_output=True)
    sequential = Path("dvc.lock").read_bytes()
    for _ in range(TRIALS):
        forget()
        states = run_all()
        assert {state.name for state in states.values()} == {"Completed"}
        assert Path("dvc.lock").read_bytes() == sequential


def test_stages_that_do_not_need_each_other_are_at_work_together(small: Path) -> None:
    """Neither b nor c ends before the other has begun."""
    Path("meeting").mkdir()
    assert {state.name for state in run_all().values()} == {"Completed"}


def test_what_did_not_change_is_skipped_and_says_so(small: Path) -> None:
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


def test_a_failed_stage_stops_what_depends_on_it_and_nothing_else(small: Path) -> None:
    from flows.commands import StageError

    text = Path("dvc.yaml").read_text()
    fails = "echo tried >> tries && echo no such file && exit 1"
    Path("dvc.yaml").write_text(text.replace("python work.py c a", fails))
    with pytest.raises(StageError, match=r"stage c ended with code 255; its last lines:\n[\s\S]*no such file"):
        run_all()
    assert Path("b").exists()
    assert not Path("d").exists()
    assert Path("tries").read_text().split() == ["tried"], "trying again cannot help"
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    assert json.dumps(sorted(lock["stages"])) == '["a", "b"]'


def test_a_stage_that_found_something_unreachable_is_tried_again(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.stages import reproduce

    monkeypatch.setattr(reproduce, "retry_delay_seconds", [0.1, 0.1])
    text = Path("dvc.yaml").read_text()
    failing = "test -e tried && python work.py c a || (touch tried; exit 75)"
    Path("dvc.yaml").write_text(text.replace("python work.py c a", failing))
    assert run_all()["c"].name == "Completed"
