"""Flows run the stages in order, log the output of DVC, and fail with the message of a failed stage."""

import json
import logging
import os
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flows")]


def test_an_empty_flow_runs() -> None:
    """Guard the pinned version of fastapi: with 0.155 every flow crashes at its first call."""
    from prefect import flow

    @flow
    def nothing() -> int:
        return 7

    assert nothing() == 7


def test_a_flow_refuses_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.pipeline import run

    monkeypatch.setattr(sys, "argv", ["retrain.py", "--help"])
    with pytest.raises(SystemExit, match=r"^--help: a flow has no arguments"):
        run(lambda: pytest.fail("it ran"))


def test_a_run_sends_three_heartbeats_before_it_counts_as_dead() -> None:
    code = """if True:
        import flows.pipeline
        from flows.automations import SILENCE
        from prefect.settings import get_current_settings
        print(3 * get_current_settings().flows.heartbeat_frequency <= SILENCE.total_seconds())
    """
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "True\n"


def test_the_output_of_a_command_is_logged_and_its_last_lines_are_in_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from prefect import flow

    from flows.commands import StageError, execute
    from flows.dvc import build_environment

    @flow
    def failing() -> None:
        code = "print('第一行'); raise SystemExit('no such file: x.csv')"
        execute("ingest", ["python", "-c", code], build_environment())

    with (
        caplog.at_level(logging.INFO),
        pytest.raises(StageError, match=r"stage ingest ended with code 1[\s\S]*no such file: x.csv"),
    ):
        failing()
    assert "第一行" in caplog.text


def test_a_wrong_params_file_stops_the_flow_before_any_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.exceptions import FailedRun

    from flows.pipeline import pipeline

    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("ingst: {}\n")
    with pytest.raises(FailedRun, match=r"params.yaml:1: ingst: unknown section; did you mean 'ingest'"):
        pipeline()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_a_wrong_override_stops_the_flow_before_any_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.exceptions import FailedRun

    from flows.pipeline import pipeline

    Path(tmp_path, "params.yaml").write_bytes(Path("params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FailedRun, match=r"overrides: finetune.sed: unknown field; did you mean 'seed'"):
        pipeline(overrides=["finetune.sed=1"])
    with pytest.raises(FailedRun, match=r"gpu_pool: there is no deployment stage/nope; there is: none"):
        pipeline(gpu_pool="nope")
    with pytest.raises(FailedRun, match=r"workspace: .*nowhere: no params.yaml; set it to a folder that has one"):
        pipeline(workspace="nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_params_changed_by_a_dead_run_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.recovery import BACKUP, preserve_params, restore_params

    monkeypatch.chdir(tmp_path)
    params = Path("params.yaml")
    params.write_text("a: 1\n")
    with preserve_params():
        params.write_text("a: 2\n")
    assert (params.read_text(), BACKUP.exists()) == ("a: 1\n", False)
    context = preserve_params()
    context.__enter__()
    params.write_text("a: 3\n")
    assert restore_params()
    assert (params.read_text(), restore_params()) == ("a: 1\n", False)


def test_edits_of_params_during_a_run_are_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.recovery import WRITE_SECONDS, preserve_params

    monkeypatch.chdir(tmp_path)
    params = Path("params.yaml")
    params.write_text("a: 1\n")
    with preserve_params():
        params.write_text("a: 2  # mine\n")
        later = time.time() + WRITE_SECONDS + 5
        os.utime(params, (later, later))
    assert (params.read_text(), Path("params.yaml.edited").read_text()) == ("a: 1\n", "a: 2  # mine\n")
    assert "the edited file is saved as params.yaml.edited" in caplog.text


def test_check_restores_params_of_a_dead_run_but_not_of_a_running_one(tmp_path: Path) -> None:
    from cli.config import check_params
    from flows.recovery import preserve_params
    from tasks.stage import hold_lock

    params = tmp_path / "params.yaml"
    original = Path("params.yaml").read_text()
    params.write_text(original)
    with chdir(tmp_path):
        context = preserve_params()
        context.__enter__()
        params.write_text(original.replace("budget: 240", "budget: 999"))
        with hold_lock("pipeline"):
            assert "restored" not in check_params(params)
    assert "budget: 999" in params.read_text()
    assert check_params(tmp_path).startswith(f"{params}: restored, since a run with overrides was killed\n")
    assert params.read_text() == original


def test_the_page_of_a_run_shows_scores_decision_and_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.artifacts import render_page, tabulate_stages

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:5000")
    Path("reports").mkdir()
    Path(".satiety/timings").mkdir(parents=True)
    side = {"value": 0.6, "low": 0.5, "high": 0.7}
    scores = {"metric": "macro_f1", "examples": 2000, "confidence_level": 0.9}
    scores |= {"before": side, "after": side, "difference": side}
    promoted = {"name": "tweets", "decision": "promoted", "reason": "it lies above zero"}
    Path("reports/evaluate.json").write_text(json.dumps({"in": 5, "out": 4, "quarantined": 1, **scores}))
    Path("reports/promote.json").write_text(json.dumps(promoted))
    Path(".satiety/timings/evaluate.json").write_text(json.dumps({"started": 1.0, "seconds": 2.5, "peak_bytes": 1.2e9}))
    text = render_page("http://127.0.0.1:5000/#/experiments/1/runs/abc")
    assert "| | value | 90% CI |" in text
    assert "| **difference** | +0.600 | [+0.500, +0.700] |" in text
    assert "**Promoted**: it lies above zero" in text
    assert "(http://127.0.0.1:5000/#/experiments/1/runs/abc)" in text
    assert "(http://127.0.0.1:5000/#/models)" in text
    (first, second) = tabulate_stages({"evaluate": "ran", "register": "cached"})
    assert first == {
        "stage": "evaluate",
        "this run": "ran",
        "in": 5,
        "out": 4,
        "quarantined": 1,
        "seconds, when it ran": 2.5,
        "GB": 1.2,
    }
    assert second["in"] is None


def test_a_second_flow_in_the_same_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would restore the params that the first flow has changed for its run."""
    from prefect.exceptions import FailedRun

    from flows.pipeline import pipeline
    from flows.recovery import BACKUP, preserve_params
    from tasks.stage import hold_lock

    for name in ("params.yaml", "dvc.yaml"):
        Path(tmp_path, name).write_bytes(Path(name).read_bytes())
    monkeypatch.chdir(tmp_path)
    with hold_lock("pipeline"), preserve_params():
        with pytest.raises(FailedRun, match=r"pipeline is already running in .* \(process \d+\); wait for it"):
            pipeline()
        assert BACKUP.exists()
