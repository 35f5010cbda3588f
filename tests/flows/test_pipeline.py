"""Flows run the stages in order, log what DVC says, and end with a message where a stage does."""

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


def test_stages_come_in_the_order_of_the_file() -> None:
    from flows.dvc import stages

    names = stages()
    assert (names[0], names[-1], len(names)) == ("ingest", "register", 8)


def test_a_folder_without_stages_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.dvc import stages
    from satiety.errors import SetupError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"holds no dvc\.yaml"):
        stages()


def test_lines_of_a_command_reach_the_log_and_a_failure_repeats_the_last(caplog: pytest.LogCaptureFixture) -> None:
    from prefect import flow

    from flows.dvc import StageError, execute

    @flow
    def failing() -> None:
        execute("ingest", ["python", "-c", "print('第一行'); raise SystemExit('no such file: x.csv')"])

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
