"""Flows run the stages in order, log what DVC says, and end with a message where a stage does."""

import json
import logging
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flows")]


def test_an_empty_flow_runs() -> None:
    """Guards the pin of fastapi: 0.155 lets every flow crash at its first call."""
    from prefect import flow

    @flow
    def nothing() -> int:
        return 7

    assert nothing() == 7


def test_lines_of_a_command_reach_the_log_and_a_failure_repeats_the_last(caplog: pytest.LogCaptureFixture) -> None:
    from prefect import flow

    from flows.commands import StageError, execute
    from flows.dvc import surroundings

    @flow
    def failing() -> None:
        code = "print('第一行'); raise SystemExit('no such file: x.csv')"
        execute("ingest", ["python", "-c", code], surroundings())

    with (
        caplog.at_level(logging.INFO),
        pytest.raises(StageError, match=r"stage ingest ended with code 1[\s\S]*no such file: x.csv"),
    ):
        failing()
    assert "第一行" in caplog.text


def test_a_wrong_params_file_stops_the_flow_before_any_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.pipeline import pipeline
    from satiety.errors import ParamsError

    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("ingst: {}\n")
    with pytest.raises(ParamsError, match=r"params.yaml:1: ingst: there is no such block; did you mean 'ingest'"):
        pipeline()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_a_wrong_override_stops_the_flow_before_any_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.pipeline import pipeline
    from satiety.errors import ParamsError

    Path(tmp_path, "params.yaml").write_bytes(Path("params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"overrides: finetune.sed=1: finetune.sed is not in the file; did you mean"):
        pipeline(overrides=["finetune.sed=1"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_params_lent_to_a_run_that_died_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.overrides import KEPT, lent, put_back

    monkeypatch.chdir(tmp_path)
    params = Path("params.yaml")
    params.write_text("a: 1\n")
    with lent():
        params.write_text("a: 2\n")
    assert (params.read_text(), KEPT.exists()) == ("a: 1\n", False)
    died = lent()
    died.__enter__()
    params.write_text("a: 3\n")
    assert put_back()
    assert (params.read_text(), put_back()) == ("a: 1\n", False)


def test_the_page_of_a_run_says_what_came_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.artifacts import page, rows

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:5000")
    Path("reports").mkdir()
    Path(".satiety/timings").mkdir(parents=True)
    side = {"value": 0.6, "low": 0.5, "high": 0.7}
    scores = {"metric": "macro_f1", "examples": 2000, "before": side, "after": side, "difference": side}
    promoted = {"name": "tweets", "decision": "promoted", "reason": "it lies above zero"}
    Path("reports/evaluate.json").write_text(json.dumps({"in": 5, "out": 4, "quarantined": 1, **scores}))
    Path("reports/promote.json").write_text(json.dumps(promoted))
    Path(".satiety/timings/evaluate.json").write_text(json.dumps({"seconds": 2.5, "peak_bytes": 1.2e9}))
    text = page("http://127.0.0.1:5000/#/experiments/1/runs/abc")
    assert "| **difference** | +0.600 | [+0.500, +0.700] |" in text
    assert "**Promoted**: it lies above zero" in text
    assert "(http://127.0.0.1:5000/#/experiments/1/runs/abc)" in text
    assert "(http://127.0.0.1:5000/#/models)" in text
    (first, second) = rows({"evaluate": "ran", "register": "cached"})
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


def test_a_second_flow_in_one_folder_is_told_who_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would put back the params of the first, which may be lent to it."""
    from flows.overrides import KEPT, lent
    from flows.pipeline import pipeline
    from satiety.errors import BusyError
    from tasks.stage import alone

    for name in ("params.yaml", "dvc.yaml"):
        Path(tmp_path, name).write_bytes(Path(name).read_bytes())
    monkeypatch.chdir(tmp_path)
    with alone("pipeline"), lent():
        with pytest.raises(BusyError, match=r"pipeline is busy here: process \d+ runs it; wait for it"):
            pipeline()
        assert KEPT.exists()
