"""Spool and delivery: every run exactly once, whatever dies in between."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.section import Section
from tasks import spool, tracking
from tasks.spool import NAME, SPOOL, safe_name, tracked

CODE = Path(__file__).parents[2]


class Made(Section):
    """A section for these tests."""

    alpha: float
    """Any number."""
    word: str
    """Any word."""


PARAMS = Made(alpha=0.5, word="好")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    before = set(os.environ)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    monkeypatch.undo()
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    for name in set(os.environ) - before:
        del os.environ[name]


@pytest.fixture
def client(workspace: Path, empty_store: Path) -> Any:
    from mlflow import MlflowClient

    (workspace / "mlflow.db").write_bytes(empty_store.read_bytes())
    return MlflowClient(f"sqlite:///{workspace / 'mlflow.db'}")


def record(stage: str = "augment", points: int = 3, **values: Any) -> None:
    with tracked(stage, PARAMS) as run:
        for step in range(points):
            run.metric("loss", 1 / (step + 1), step)
        run.finish(values)


def runs(client: Any) -> list[Any]:
    experiment = client.get_experiment_by_name("satiety")
    return (
        list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])) if experiment else []
    )


def lines() -> list[dict[str, Any]]:
    (path,) = SPOOL.glob("*.jsonl")
    return spool.read(path)


def test_a_run_arrives_whole_and_its_file_goes(client: Any) -> None:
    record(score=0.7, deep={"count": 3, "yes": True, "text": "a person's words"}, digest="ab" * 32)
    assert tracking.deliver() == 1
    (run,) = runs(client)
    assert (run.info.run_name, run.info.status) == ("augment", "FINISHED")
    assert run.data.params == {"augment.alpha": "0.5", "augment.word": '"好"'}
    assert run.data.metrics == {"loss": 1 / 3, "score": 0.7, "deep.count": 3.0}
    assert run.data.tags["digest"] == "ab" * 32
    assert run.data.tags["satiety.device"] == "auto"
    assert "a person's words" not in str(run.data.tags)
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == [0, 1, 2]
    assert list(SPOOL.glob("*.jsonl")) == []
    assert tracking.deliver() == 0


def test_a_run_says_where_it_was_computed(client: Any) -> None:
    record("finetune", device="cuda", precision="bf16")
    tracking.deliver()
    (run,) = runs(client)
    assert (run.data.tags["satiety.device"], run.data.tags["satiety.precision"]) == ("cuda", "bf16")


def test_runs_arrive_in_the_order_in_which_they_began(client: Any) -> None:
    for stage in ("ingest", "validate", "retrieve"):
        record(stage)
    assert tracking.deliver() == 3
    assert [run.info.run_name for run in runs(client)] == ["ingest", "validate", "retrieve"]


def test_more_points_than_one_request_takes_all_arrive(client: Any) -> None:
    record(points=2 * tracking.METRICS + 7)
    tracking.deliver()
    (run,) = runs(client)
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 2 * tracking.METRICS + 7


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_delivery_cut_off_anywhere_is_taken_up_with_nothing_lost_or_twice(
    client: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    from mlflow import MlflowClient

    record(points=2500)
    whole, calls = MlflowClient.log_batch, []

    def dies(self: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        whole(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", dies)
        with pytest.raises(KeyboardInterrupt):
            tracking.deliver()
    assert len(list(SPOOL.glob("*.jsonl"))) == 1
    assert tracking.deliver() == 1
    (run,) = runs(client)
    assert [p.step for p in client.get_metric_history(run.info.run_id, "loss")] == list(range(2500))
    assert run.info.status == "FINISHED"


def test_a_file_that_was_delivered_but_not_yet_removed_is_not_delivered_twice(client: Any) -> None:
    record()
    (path,) = SPOOL.glob("*.jsonl")
    content = path.read_bytes()
    tracking.deliver()
    path.write_bytes(content)
    assert tracking.deliver() == 1
    (run,) = runs(client)
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 3


def test_a_stage_that_raises_is_a_failed_run(client: Any) -> None:
    with pytest.raises(ZeroDivisionError), tracked("augment", PARAMS):
        raise ZeroDivisionError
    assert lines()[-1]["status"] == "FAILED"
    tracking.deliver()
    assert runs(client)[0].info.status == "FAILED"


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit(143)])
def test_a_stage_that_is_stopped_is_a_killed_run(end: BaseException) -> None:
    with pytest.raises((KeyboardInterrupt, SystemExit)), tracked("augment", PARAMS):
        raise end
    assert lines()[-1]["status"] == "KILLED"


def start_and_hang() -> subprocess.Popen[str]:
    script = (
        "import time\nfrom tests.unit.test_tracking import PARAMS, tracked\n"
        "with tracked('pretrain', PARAMS) as run:\n"
        "    run.metric('loss', 2.0, 1)\n    print('on', flush=True)\n    time.sleep(60)\n"
    )
    env = os.environ | {"PYTHONPATH": str(CODE)}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    return process


def test_the_run_of_a_process_that_was_killed_is_delivered_and_that_of_a_living_one_is_left(client: Any) -> None:
    process = start_and_hang()
    try:
        assert tracking.deliver() == 0
        assert len(list(SPOOL.glob("*.open"))) == 1
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (path,) = SPOOL.glob("*.open")
    with path.open("a") as file:
        file.write('{"metric": "loss", "val')  # what a write that was cut off leaves
    assert tracking.deliver() == 1
    (run,) = runs(client)
    assert (run.info.run_name, run.info.status, run.data.metrics) == ("pretrain", "KILLED", {"loss": 2.0})
    assert list(SPOOL.glob("*.open")) == []


def test_mlflow_down_leaves_the_spool_and_one_warning(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record()
    record()
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert tracking.deliver() == 0
    (said,) = caplog.messages
    assert "MLflow at http://127.0.0.1:9 does not answer" in said
    assert "2 runs wait in .satiety/spool" in said
    assert "secret" not in said
    monkeypatch.delenv("SATIETY_TRACKING_URI")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # MLflow put it there when it was told where it is
    assert tracking.deliver() == 2
    assert len(runs(client)) == 2


def test_what_mlflow_refuses_is_put_aside_and_holds_up_nobody(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    (SPOOL / "1-bad.jsonl").parent.mkdir(parents=True)
    (SPOOL / "1-bad.jsonl").write_text('{"run": "1-bad"}\n')
    record()
    assert tracking.deliver() == 1
    assert (SPOOL / "1-bad.refused").exists()
    assert "MLflow refuses it, so it is left aside" in caplog.text
    assert [run.info.run_name for run in runs(client)] == ["augment"]


def test_a_stage_belongs_to_the_run_that_its_flow_gives(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_PARENT_RUN", "a" * 32)
    record()
    tracking.deliver()
    assert runs(client)[0].data.tags["mlflow.parentRunId"] == "a" * 32


@pytest.mark.slow
def test_two_deliverers_at_once_deliver_each_run_once(client: Any) -> None:
    for _ in range(6):
        record(points=200)
    script = "from tasks.tracking import deliver; print(deliver())"
    env = os.environ | {"PYTHONPATH": str(CODE)}
    both = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", script], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(2)
    ]
    assert sum(int(process.communicate()[0]) for process in both) == 6
    assert len(runs(client)) == 6


def test_metric_names_that_mlflow_refuses_are_made_safe_and_the_original_kept(client: Any) -> None:
    odd = {"f1/好 评": 0.1, "f1/a:b\n☺": 0.2, "f1/a:b\n☹": 0.3, "f1/../../x": 0.4, "f1/" + "长" * 400: 0.5, "/": 0.6}
    record(points=0, **{"m": odd})
    assert tracking.deliver() == 1
    (run,) = runs(client)
    assert sorted(run.data.metrics.values()) == sorted(odd.values())
    assert run.data.metrics["m.f1/好 评"] == 0.1
    originals = {value for name, value in run.data.tags.items() if name.startswith("satiety.name.")}
    assert originals == {f"m.{name}" for name in odd if name != "f1/好 评"}


@given(st.text(min_size=1, max_size=400))
def test_a_safe_name_is_one_that_mlflow_takes(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    safe = safe_name(name)
    _validate_metric_name(safe)
    assert len(safe) <= NAME
    assert safe_name(safe) == safe


def test_a_name_cut_short_differs_from_another_cut_short() -> None:
    assert safe_name("x" * 500 + "a") != safe_name("x" * 500 + "b")


def test_the_spool_names_the_workspace_seen_from_the_root(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "examples/ner_zh").mkdir(parents=True)
    monkeypatch.chdir(workspace / "examples/ner_zh")
    record()
    assert lines()[0]["workspace"] == "examples/ner_zh"
    assert tracking.tracking_uri() == f"sqlite:///{workspace / 'mlflow.db'}"


def test_the_setting_goes_before_mlflow_s_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking.tracking_uri() == "http://127.0.0.1:1"
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:2")
    assert tracking.tracking_uri() == "http://127.0.0.1:2"


def test_no_run_means_mlflow_is_not_even_loaded() -> None:
    script = "import sys; from tasks.tracking import deliver; deliver(); print('mlflow' in sys.modules)"
    env = os.environ | {"PYTHONPATH": str(CODE)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "False\n"


def test_times_are_in_milliseconds_and_go_forward() -> None:
    started = time.time() * 1000
    record()
    head, *points, end = lines()
    assert started - 2 <= head["start"] <= points[0]["time"] <= end["end"] <= time.time() * 1000 + 2
    assert json.dumps(head["params"], ensure_ascii=False).count("好") == 1
