"""Outbox and publisher: every run is published exactly once, whatever process dies in between."""

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import SetupError
from tasks import outbox, tracking
from tasks import publish as publishing
from tasks.outbox import MAX_NAME_LENGTH, OUTBOX, Run, find_parent, map_to_mlflow_names, track_pipeline, track_run
from tasks.publish import publish
from tests.patience import wait_until

CODE = Path(__file__).parents[2]
PARAMS = {"augment.alpha": "0.5", "augment.word": '"好"'}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    environment_names = set(os.environ)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    monkeypatch.undo()
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    for name in set(os.environ) - environment_names:
        del os.environ[name]


@pytest.fixture
def client(workspace: Path, empty_store: Path) -> Any:
    from mlflow import MlflowClient

    (workspace / "mlflow.db").write_bytes(empty_store.read_bytes())
    return MlflowClient(f"sqlite:///{workspace / 'mlflow.db'}")


def write_report(run: Run, **values: Any) -> None:
    path = Path(f"reports/{run.record['name']}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))
    run.log_report(path)


def record_run(stage: str = "augment", points: int = 3, parent: str | None = None, **values: Any) -> None:
    with track_run(stage, PARAMS, parent=parent) as run:
        for step in range(points):
            run.log_metric("loss", 1 / (step + 1), step)
        write_report(run, **values)


def list_runs(client: Any) -> list[Any]:
    experiment = client.get_experiment_by_name("satiety")
    return (
        list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])) if experiment else []
    )


def list_folders() -> list[Path]:
    return sorted(path for path in OUTBOX.iterdir() if path.is_dir())


def read_record() -> dict[str, Any]:
    (folder,) = list_folders()
    return dict(json.loads((folder / outbox.RUN).read_text(encoding="utf-8")))


def test_a_run_is_published_completely_and_its_folder_is_deleted(client: Any) -> None:
    record_run(score=0.7, deep={"count": 3, "yes": True, "text": "a person's words"}, digest="ab" * 32)
    assert publish() == 1
    (run,) = list_runs(client)
    assert (run.info.run_name, run.info.status) == ("augment", "FINISHED")
    assert run.data.params == {"augment.alpha": "0.5", "augment.word": '"好"'}
    assert run.data.metrics == {"loss": 1 / 3, "score": 0.7, "deep.count": 3.0}
    assert run.data.tags["digest"] == "ab" * 32
    assert (run.data.tags["stage"], run.data.tags["workspace"]) == ("augment", ".")
    assert "device" not in run.data.tags, "a stage that computes has its device in its report"
    assert "a person's words" not in str(run.data.tags)
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == [0, 1, 2]
    assert list_folders() == []
    assert publish() == 0


def test_a_run_has_its_description_command_and_hardware(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/venv/bin/python", "-m", "tasks.finetune", "https://me:secret@host/x"])
    with track_run("finetune", PARAMS, description="Tune the model.") as run:
        write_report(run, device="cuda", precision="bf16")
    publish()
    tags = list_runs(client)[0].data.tags
    assert (tags["device"], tags["precision"]) == ("cuda", "bf16")
    assert tags["mlflow.note.content"] == "Tune the model."
    assert tags["mlflow.source.name"] == "python -m tasks.finetune https://host/x"


def test_runs_are_published_in_the_order_of_their_starts(client: Any) -> None:
    for stage in ("ingest", "validate", "retrieve"):
        record_run(stage)
    assert publish() == 3
    assert [run.info.run_name for run in list_runs(client)] == ["ingest", "validate", "retrieve"]


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_an_interrupted_pass_is_resumed_without_losses_or_duplicates(
    client: Any, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    record_run(points=2500)
    original, calls = SqlAlchemyStore.log_batch, []

    def die(self: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(1)
        if len(calls) > batches:
            raise KeyboardInterrupt
        original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(SqlAlchemyStore, "log_batch", die)
        with pytest.raises(KeyboardInterrupt):
            publish()
    assert len(list_folders()) == 1
    assert publish() == 1
    (run,) = list_runs(client)
    assert [p.step for p in client.get_metric_history(run.info.run_id, "loss")] == list(range(2500))
    assert run.info.status == "FINISHED"


def test_the_curve_of_a_running_stage_is_published_as_it_grows(client: Any) -> None:
    offsets: dict[str, int] = {}
    with track_run("finetune", PARAMS) as run:
        for step in range(2):
            run.log_metric("loss", 0.5, step)
            assert publish(offsets) == 0
            (live,) = list_runs(client)
            assert len(client.get_metric_history(live.info.run_id, "loss")) == step + 1
        assert (live.info.status, live.data.params) == ("RUNNING", PARAMS)
        write_report(run, score=0.7)
    assert publish(offsets) == 1
    (finished_run,) = list_runs(client)
    assert (finished_run.info.run_id, finished_run.info.status, finished_run.data.metrics["score"]) == (
        live.info.run_id,
        "FINISHED",
        0.7,
    )
    assert len(client.get_metric_history(live.info.run_id, "loss")) == 2


def test_a_follower_publishes_until_it_is_stopped_and_then_once_more(client: Any) -> None:
    script = "from tasks import publish; publish.PAUSE = 0.1; publish.follow()"
    with track_run("finetune", PARAMS) as run:
        run.log_metric("loss", 0.5, 1)
        env = os.environ | {"PYTHONPATH": str(CODE)}
        with subprocess.Popen([sys.executable, "-W", "ignore", "-c", script], env=env) as follower:
            wait_until(lambda: bool(list_runs(client)) and bool(list_runs(client)[0].data.metrics))
            run.end("FINISHED")
            follower.terminate()
    assert follower.returncode == 0
    assert publish() <= 1, "the lock of the run was held in this process until now"
    assert [run.info.status for run in list_runs(client)] == ["FINISHED"]


def test_a_follower_repeats_no_warning_until_mlflow_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    problems = iter(["down", "still down", None, "down again", "stopped"])

    def publish_all(_: dict[str, int]) -> tuple[int, str | None]:
        problem = next(problems)
        if problem == "down again":
            os.kill(os.getpid(), signal.SIGTERM)
        return 0, problem

    monkeypatch.setattr(publishing, "PAUSE", 0.01)
    monkeypatch.setattr(publishing, "_publish_all", publish_all)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        publishing.follow()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert caplog.messages == ["down", "down again", "stopped"]


@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError, "FAILED"), (KeyboardInterrupt, "KILLED"), (SystemExit, "KILLED")]
)
def test_a_run_ends_as_its_block_does(client: Any, error: type[BaseException], status: str) -> None:
    with pytest.raises(error), track_run("augment", PARAMS):
        raise error
    assert read_record()["status"] == status
    publish()
    assert list_runs(client)[0].info.status == status


def start_and_hang() -> subprocess.Popen[str]:
    script = (
        "import time\nfrom tasks.outbox import track_run\n"
        "with track_run('pretrain', {}) as run:\n"
        "    run.log_metric('loss', 2.0, 1)\n    print('on', flush=True)\n    time.sleep(60)\n"
    )
    env = os.environ | {"PYTHONPATH": str(CODE)}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    return process


def test_the_run_of_a_killed_process_is_killed_and_that_of_a_living_one_is_running(client: Any) -> None:
    process = start_and_hang()
    try:
        assert publish() == 0
        assert [run.info.status for run in list_runs(client)] == ["RUNNING"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (folder,) = list_folders()
    with (folder / outbox.CURVE).open("a") as file:
        file.write('{"name": "loss", "val')  # what a write that was cut off leaves
    assert publish() == 1
    (run,) = list_runs(client)
    assert (run.info.run_name, run.info.status, run.data.metrics) == ("pretrain", "KILLED", {"loss": 2.0})
    assert list_folders() == []


def test_mlflow_down_leaves_the_outbox_and_one_warning(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record_run()
    record_run()
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert publish() == 0
    (warning,) = caplog.messages
    assert "MLflow at http://127.0.0.1:9 does not answer" in warning
    assert "2 runs wait in .satiety/outbox" in warning
    assert "secret" not in warning
    monkeypatch.delenv("SATIETY_TRACKING_URI")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # set by MLflow
    assert publish() == 2
    assert len(list_runs(client)) == 2


CONNECT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
from tasks import tracking
try:
    tracking.connect()
except tracking.TrackingError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("size", [0, 300_000, 900_000])
def test_incomplete_tables_of_mlflow_are_created_again(workspace: Path, size: int) -> None:
    """MLflow makes them one by one, and fails where only some of them exist."""
    env = os.environ | {"PYTHONPATH": str(CODE)}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", CONNECT, str(limit)], text=True, capture_output=True, env=env, check=False
        )
        for limit in (size, -1)
    )
    assert first.returncode == 1
    assert "MLflow" in first.stderr.splitlines()[-1]
    assert "Traceback" not in first.stderr
    assert second.returncode == 0, second.stderr
    assert [path.name for path in workspace.iterdir() if "mlflow" in path.name] == ["mlflow.db"]


def test_a_run_that_mlflow_refuses_is_set_aside_and_blocks_no_other_run(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with track_run("retrieve", {"a name?": "1"}):
        pass
    record_run()
    assert publish() == 1
    (refused,) = OUTBOX.glob("*.damaged")
    assert f"{refused.stem}: damaged, ignored, and renamed to {refused.name}: Invalid value" in caplog.text
    assert "augment" in [run.info.run_name for run in list_runs(client)]


@pytest.mark.parametrize("path", [tracking.LOCATIONS, OUTBOX / "publish.lock"])
def test_an_unwritable_path_leaves_the_outbox_and_one_warning(
    client: Any, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file where a folder should be, or vice versa, stands for any refusal of the operating system."""
    record_run()
    path.touch() if path == tracking.LOCATIONS else path.mkdir()
    assert publish() == 0
    (warning,) = caplog.messages
    assert str(path) in warning
    assert "1 runs wait in .satiety/outbox" in warning
    path.unlink() if path == tracking.LOCATIONS else path.rmdir()
    assert publish() == 1
    assert len(list_runs(client)) == 1


RECORD = {
    "name": "augment",
    "parent": None,
    "ends_parent": False,
    "tags": {},
    "params": {},
    "inputs": [],
    "report": None,
    "status": "FINISHED",
    "end": 2,
}
DAMAGED = {
    "nothing": b"",
    "NULs": bytes(200),
    "torn": json.dumps(RECORD).encode()[:-9],
    "not UTF-8": json.dumps(RECORD).encode().replace(b"augment", b"aug\xe9"),
    "a list": b"[]",
    "without a key": json.dumps({key: value for key, value in RECORD.items() if key != "tags"}).encode(),
    "a parent that is a list": json.dumps(RECORD | {"parent": []}).encode(),
    "a parent that is no key": json.dumps(RECORD | {"parent": "../x"}).encode(),
    "an input that is none": json.dumps(RECORD | {"inputs": [{"name": "train"}]}).encode(),
    "a param that is a number": json.dumps(RECORD | {"params": {"a": 3}}).encode(),
    "deep": b"[" * 100_000,
    "an end that is none": json.dumps(RECORD | {"end": "soon"}).encode(),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_folder_is_set_aside_once_and_all_others_are_published(
    client: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = OUTBOX / "1-augment-0000000a"
    folder.mkdir(parents=True)
    (folder / outbox.RUN).write_bytes(DAMAGED[kind])
    record_run("retrieve")
    assert publish() == 1
    assert "retrieve" in [run.info.run_name for run in list_runs(client)]
    assert (folder.with_suffix(".damaged") / outbox.RUN).read_bytes() == DAMAGED[kind]
    record_run("pretrain")
    assert publish() == 1
    (message,) = caplog.messages
    assert message.startswith(f"{folder}: damaged, ignored, and renamed to {folder.name}.damaged")


def test_points_before_and_after_a_damaged_line_are_published(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """As after a power loss: the size of the file was written, but not its content."""
    with track_run("finetune", PARAMS) as run:
        run.log_metric("loss", 0.5, 1)
        with (run.folder / outbox.CURVE).open("ab") as file:
            file.write(bytes(500) + b'\n[1, 2]\n{"name": "loss", "value": "0.1", "step": 1, "time": 1}\n')
        run.log_metric("loss", 0.4, 2)
    assert publish() == 1
    (published_run,) = list_runs(client)
    assert [point.value for point in client.get_metric_history(published_run.info.run_id, "loss")] == [0.5, 0.4]
    assert caplog.text.count("a damaged line is left out") == 3


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b'{"run_id": "a"', b"[]", b'{"run_id": 3}', b"\xff"])
def test_a_damaged_location_is_ignored_and_written_again(
    client: Any, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    record_run()
    (folder,) = list_folders()
    note = tracking.LOCATIONS / f"{folder.name}.json"
    note.parent.mkdir()
    note.write_bytes(content)
    assert publish() == 1
    location = tracking.find_location(folder.name)
    assert location is not None
    assert location["run_id"] == list_runs(client)[0].info.run_id
    assert [message.startswith(f"{note}: damaged, ignored") for message in caplog.messages] == [True]


def list_runs_by_name(client: Any) -> dict[str, Any]:
    published_runs = list_runs(client)
    assert len(published_runs) == len({run.info.run_name for run in published_runs})
    return {run.info.run_name.partition(" ")[0]: run for run in published_runs}


def test_a_parent_and_its_stages_are_published_in_one_pass(client: Any) -> None:
    with track_pipeline("pipeline", {"reason": "scheduled"}) as run:
        record_run("ingest", parent=run.key)
        record_run("augment", parent=run.key)
    assert publish() == 3
    named_runs = list_runs_by_name(client)
    parent_run = named_runs["pipeline"]
    assert (parent_run.info.status, parent_run.data.params) == ("FINISHED", {"reason": "scheduled"})
    assert {named_runs[name].data.tags["mlflow.parentRunId"] for name in ("ingest", "augment")} == {
        parent_run.info.run_id
    }
    assert "mlflow.parentRunId" not in parent_run.data.tags


def test_a_stage_published_before_its_parent_creates_the_run_that_the_parent_completes(
    client: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with track_pipeline("pipeline", {"reason": "by hand"}) as run:
        moved_folder = run.folder.rename(workspace / "away")  # as if it were in another workspace
        record_run("ingest", parent=run.key)
        assert publish() == 1
        parent_run = list_runs_by_name(client)["pipeline"]
        assert (parent_run.info.status, parent_run.data.params) == ("RUNNING", {})
        location = tracking.find_location(run.key)
        assert location == {"run_id": parent_run.info.run_id, "url": None}
        moved_folder.rename(run.folder)
    assert publish() == 1
    filled = list_runs_by_name(client)["pipeline"]
    assert (filled.info.run_id, filled.info.status) == (parent_run.info.run_id, "FINISHED")
    assert filled.data.params == {"reason": "by hand"}
    assert filled.info.start_time == outbox.parse_key(run.key)[0]


def test_a_run_created_twice_by_a_slow_server_is_merged(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    original = MlflowClient.create_run

    def create_twice(self: Any, *args: Any, **kwargs: Any) -> Any:
        original(self, *args, **kwargs)
        return original(self, *args, **kwargs)

    with track_pipeline("pipeline", {}) as run:
        record_run("ingest", parent=run.key)
        record_run("augment", parent=run.key)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_run", create_twice)
        assert publish() == 3
    named_runs = list_runs_by_name(client)
    assert sorted(named_runs) == ["augment", "ingest", "pipeline"]
    assert named_runs["ingest"].data.tags["mlflow.parentRunId"] == named_runs["pipeline"].info.run_id


SCORES = {
    "metric": "macro_f1",
    "examples": 2000,
    "before": {"value": 0.5, "low": 0.4, "high": 0.6},
    "after": {"value": 0.7, "low": 0.6, "high": 0.8},
    "difference": {"value": 0.2, "low": 0.1, "high": 0.3},
}


def test_the_run_of_a_pipeline_has_the_score_the_promotion_and_the_data_of_its_stages(
    client: Any, workspace: Path
) -> None:
    (workspace / "params.yaml").write_text("register: {name: tweets}\ningest: {problem: {kind: classify}}\n")
    with track_pipeline("pipeline", {}) as parent_run:
        with track_run("evaluate", {}, parent=parent_run.key) as run:
            run.log_input("train", digest="ab" * 32, uri="data/train.parquet", rows=12)
            write_report(run, **SCORES)
        for decision in ("promoted", "unchanged"):
            with track_run("promote", {}, parent=parent_run.key) as run:
                write_report(run, decision=decision, reason="it is better")
    assert publish() == 4
    (parent,) = (run for run in list_runs(client) if "flow" in run.data.tags)
    assert re.fullmatch(r"tweets \d{4}-\d\d-\d\d \d\d:\d\d", parent.info.run_name)
    assert parent.data.metrics == {"before": 0.5, "after": 0.7, "difference": 0.2}
    tags = parent.data.tags
    assert (tags["problem"], tags["flow"], tags["data revision"]) == ("classify", "pipeline", "ab" * 6)
    assert tags["mlflow.note.content"] == (
        "macro_f1 on 2,000 test examples: before 0.500 [0.400, 0.600], after 0.700 [0.600, 0.800], "
        "difference 0.200 [0.100, 0.300]\n\npromoted: it is better"
    )


def run_as_dvc(stage: str, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> str | None:
    """Run a stage as a child of this process, which stands for a `dvc`."""
    with monkeypatch.context() as patch:
        patch.setenv("DVC_STAGE", stage)
        patch.setattr(os, "getppid", os.getpid)
        parent = find_parent(stage)
        try:
            with track_run(stage, {}, parent=parent):
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        return parent


def test_the_stages_of_one_dvc_command_belong_to_one_run_which_ends_as_the_last_of_them(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_as_dvc("ingest", monkeypatch)
    assert run_as_dvc("validate", monkeypatch, fails=True) == first
    assert find_parent("ingest") is None, "a stage that is run by itself has no parent"
    assert find_parent("promote") == first
    monkeypatch.setenv("DVC_EXP_NAME", "another")
    assert run_as_dvc("ingest", monkeypatch) != first
    assert publish() == 5
    parents = [run for run in list_runs(client) if run.data.tags.get("flow") == "dvc"]
    assert [run.info.status for run in parents] == ["FAILED", "FINISHED"]
    children = [run for run in list_runs(client) if "stage" in run.data.tags]
    assert [run.data.tags["mlflow.parentRunId"] for run in children] == [
        parents[0].info.run_id,
        parents[0].info.run_id,
        parents[1].info.run_id,
    ]
    assert parents[0].info.end_time == children[1].info.end_time
    assert "python" in parents[0].data.tags["mlflow.source.name"]


def test_the_parent_run_of_a_flow_takes_precedence_over_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_PARENT_RUN", "1-pipeline-0000000a")
    assert run_as_dvc("ingest", monkeypatch) == "1-pipeline-0000000a"
    (folder,) = list_folders()
    assert json.loads((folder / outbox.RUN).read_text())["ends_parent"] is False


@pytest.mark.parametrize("parent", ["a" * 32, "1-x-0000000g", "1-it's-00000000"])
def test_a_parent_that_is_no_key_is_refused(parent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_PARENT_RUN", parent)
    with pytest.raises(SetupError, match="SATIETY_PARENT_RUN: String should match"):
        find_parent("ingest")


def test_the_page_of_a_run_carries_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_TRACKING_URI", "https://me:secret@mlflow.example.org/")
    assert tracking._run_page("r1", "7") == "https://mlflow.example.org/#/experiments/7/runs/r1"


def test_only_the_latest_locations_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MAX_LOCATIONS", 3)
    for number in range(5):
        tracking._save_location(f"{number}-augment-00000000", {"run_id": str(number), "url": None})
    assert tracking.find_location("0-augment-00000000") is None
    assert tracking.find_location("4-augment-00000000") == {"run_id": "4", "url": None}
    assert len(list(tracking.LOCATIONS.iterdir())) == 3


def test_a_password_in_a_params_url_is_not_written() -> None:
    with track_run("augment", {"augment.word": '"s3://me:secret@host/x"'}):
        pass
    assert read_record()["params"]["augment.word"] == '"s3://host/x"'


def test_data_sets_and_artifacts_that_are_sent_twice_are_published_once(client: Any, workspace: Path) -> None:
    Path("plots").mkdir()
    Path("plots/loss.csv").write_text("step,loss\n1,0.5\n")
    with track_run("finetune", PARAMS) as run:
        run.log_metric("loss", 0.5, 1)
        run.log_input("train", digest="ab" * 32, uri="data/train.parquet", rows=12)
        run.log_input("labelled", digest="cd" * 32, uri="https://me:secret@example.org/x.csv")
        run.log_artifact(Path("plots"))
    Path("plots/loss.csv").write_text("what a later run made")
    (folder,) = list_folders()
    shutil.copytree(folder, "again")
    assert publish() == 1
    Path("again").rename(folder)
    assert publish() == 1
    (published_run,) = list_runs(client)
    inputs = {entry.dataset.name: entry for entry in client.get_run(published_run.info.run_id).inputs.dataset_inputs}
    assert {name: entry.tags[0].value for name, entry in inputs.items()} == {"train": "training", "labelled": "input"}
    assert json.loads(inputs["train"].dataset.profile) == {"sha256": "ab" * 32, "num_rows": 12}
    assert json.loads(inputs["labelled"].dataset.source) == {"uri": "https://example.org/x.csv"}
    assert inputs["train"].dataset.digest == "ab" * 16
    assert len(client.get_metric_history(published_run.info.run_id, "loss")) == 1
    assert [artifact.path for artifact in client.list_artifacts(published_run.info.run_id, "plots")] == [
        "plots/loss.csv"
    ]
    copy = client.download_artifacts(published_run.info.run_id, "plots/loss.csv", str(workspace))
    assert Path(copy).read_text() == "step,loss\n1,0.5\n"


def test_a_large_file_is_no_artifact_but_a_report_of_any_size_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(outbox, "MAX_ARTIFACT_BYTES", 1000)
    Path("big.csv").write_bytes(b"x" * 1001)
    with track_run("finetune", PARAMS) as run:
        run.log_artifact(Path("big.csv"))
        write_report(run, text="x" * 1000)
    assert "big.csv: not copied to the run, 1,001 bytes are too many" in caplog.text
    (folder,) = list_folders()
    assert [path.name for path in folder.rglob("artifacts/**/*") if path.is_file()] == ["finetune.json"]


def test_the_size_of_all_artifacts_of_a_run_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_RUN_BYTES", 25)
    Path("docs").mkdir()
    for number in range(4):
        Path(f"docs/{number}.html").write_text("x" * 10)
    with track_run("validate", PARAMS) as run:
        run.log_artifact(Path("docs").absolute())
    (folder,) = list_folders()
    names = [path.relative_to(folder / outbox.ARTIFACTS).as_posix() for path in folder.rglob("*.html")]
    assert sorted(names) == ["docs/0.html", "docs/1.html"]


@pytest.mark.slow
def test_two_publishers_at_once_send_each_run_once(client: Any) -> None:
    for _ in range(6):
        record_run(points=200)
    script = "from tasks.publish import publish; print(publish())"
    env = os.environ | {"PYTHONPATH": str(CODE)}
    processes = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", script], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(2)
    ]
    assert sum(int(process.communicate()[0]) for process in processes) == 6
    assert len(list_runs(client)) == 6


def test_metric_names_that_mlflow_refuses_are_made_safe_and_the_original_kept(client: Any) -> None:
    metrics = {
        "f1/好 评": 0.1,
        "f1/a:b\n☺": 0.2,
        "f1/a:b\n☹": 0.3,
        "f1/../../x": 0.4,
        "f1/" + "长" * 400: 0.5,
        "/": 0.6,
    }
    record_run(points=0, **{"m": metrics})
    assert publish() == 1
    (run,) = list_runs(client)
    assert sorted(run.data.metrics.values()) == sorted(metrics.values())
    assert run.data.metrics["m.f1/好 评"] == 0.1
    originals = {value for name, value in run.data.tags.items() if name.startswith("satiety.name.")}
    assert originals == {f"m.{name}" for name in metrics if name != "f1/好 评"}


def test_the_metric_of_a_lever_set_has_a_readable_name_and_no_tag(client: Any) -> None:
    record_run(points=0, levers={"augment+retrieve": 0.1, "self-train+mlm": 0.2, "f1/C++": 0.3, "augment": "ab" * 32})
    assert publish() == 1
    (run,) = list_runs(client)
    assert run.data.metrics == {
        "levers.augment and retrieve": 0.1,
        "levers.self-train and mlm": 0.2,
        "levers.f1/C__": 0.3,
    }
    assert run.data.tags["levers.augment"] == "ab" * 32
    originals = {name: value for name, value in run.data.tags.items() if name.startswith("satiety.name.")}
    assert originals == {"satiety.name.levers.f1/C__": "levers.f1/C++"}


@given(st.sets(st.text(min_size=1, max_size=400) | st.text("ab +_/.", min_size=1, max_size=6), max_size=6))
def test_mlflow_accepts_the_names_and_none_are_equal(names: set[str]) -> None:
    from mlflow.utils.validation import _validate_metric_name

    new_names = map_to_mlflow_names(names)
    for name in new_names.values():
        _validate_metric_name(name)
        assert len(name) <= MAX_NAME_LENGTH
    assert new_names.keys() == names
    assert len(set(new_names.values())) == len(names)


def test_only_names_that_would_be_equal_have_a_hash() -> None:
    assert map_to_mlflow_names({"a+b"}) == {"a+b": "a and b"}
    new_names = map_to_mlflow_names({"a+b", "a and b"})
    assert new_names["a and b"] == "a and b"
    assert re.fullmatch("a and b-[0-9a-f]{6}", new_names["a+b"])


def test_a_name_cut_short_differs_from_another_cut_short() -> None:
    assert len(set(map_to_mlflow_names({"x" * 500 + "a", "x" * 500 + "b"}).values())) == 2


def test_a_record_names_the_workspace_relative_to_the_root(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "examples/ner_zh").mkdir(parents=True)
    monkeypatch.chdir(workspace / "examples/ner_zh")
    record_run()
    assert read_record()["tags"]["workspace"] == "examples/ner_zh"
    assert tracking.tracking_uri() == f"sqlite:///{workspace / 'mlflow.db'}"


def test_the_setting_takes_precedence_over_the_variable_of_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking.tracking_uri() == "http://127.0.0.1:1"
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:2")
    assert tracking.tracking_uri() == "http://127.0.0.1:2"


def test_an_empty_outbox_does_not_even_load_mlflow() -> None:
    script = "import sys; from tasks.publish import publish; publish(); print('mlflow' in sys.modules)"
    env = os.environ | {"PYTHONPATH": str(CODE)}
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert process.stdout == "False\n"


def test_a_full_disk_is_one_message_and_leaves_no_folder() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))\n"
        "from satiety.core.errors import SetupError\nfrom tasks.outbox import track_run\n"
        "try:\n    with track_run('ingest', {}): pass\nexcept SetupError as error: print(error)\n"
    )
    env = os.environ | {"PYTHONPATH": str(CODE)}
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert process.stdout.endswith("cannot write: File too large\n")
    assert list(OUTBOX.iterdir()) == []


def test_times_are_in_milliseconds_and_increase() -> None:
    started = time.time() * 1000
    record_run()
    (folder,) = list_folders()
    points = [json.loads(line) for line in (folder / outbox.CURVE).read_text().splitlines()]
    entry = read_record()
    assert started - 2 <= outbox.parse_key(folder.name)[0] <= points[0]["time"] <= entry["end"]
    assert entry["end"] <= time.time() * 1000 + 2
