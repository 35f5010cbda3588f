"""Spool and delivery: every run exactly once, whatever dies in between."""

import json
import logging
import os
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
from satiety.core.section import Section
from tasks import spool, tracking
from tasks.replay import MAX_METRICS
from tasks.spool import MAX_NAME_LENGTH, SPOOL, safe_name, track_run
from tasks.spool_reader import close_and_list, read

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
    with track_run(stage, PARAMS) as run:
        for step in range(points):
            run.log_metric("loss", 1 / (step + 1), step)
        run.finish(values)


def runs(client: Any) -> list[Any]:
    experiment = client.get_experiment_by_name("satiety")
    return (
        list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])) if experiment else []
    )


def lines() -> list[dict[str, Any]]:
    (path,) = SPOOL.glob("*.jsonl")
    return read(path)


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
    record(points=2 * MAX_METRICS + 7)
    tracking.deliver()
    (run,) = runs(client)
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 2 * MAX_METRICS + 7


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
    with pytest.raises(ZeroDivisionError), track_run("augment", PARAMS):
        raise ZeroDivisionError
    assert lines()[-1]["status"] == "FAILED"
    tracking.deliver()
    assert runs(client)[0].info.status == "FAILED"


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit(143)])
def test_a_stage_that_is_stopped_is_a_killed_run(end: BaseException) -> None:
    with pytest.raises((KeyboardInterrupt, SystemExit)), track_run("augment", PARAMS):
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
def test_tables_that_could_not_all_be_made_are_made_anew(workspace: Path, size: int) -> None:
    """MLflow makes them one by one, and takes those that are there for all."""
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


def test_what_mlflow_refuses_is_put_aside_and_holds_up_nobody(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with track_run("retrieve", PARAMS) as run:
        run.write(metric="loss: of a form that MLflow has no metrics of", value=1.0, step=0, time=-(2**70))
    record()
    assert tracking.deliver() == 1
    assert len(list(SPOOL.glob("*.refused"))) == 1
    assert "MLflow refuses it, so it is left aside" in caplog.text
    assert "augment" in [run.info.run_name for run in runs(client)]


@pytest.mark.parametrize("place", [spool.LOCATIONS, SPOOL / "deliver.lock"])
def test_a_disk_that_refuses_ours_leaves_the_spool_and_one_warning(
    client: Any, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file where a folder should be, or the other way round: what the system then says is like any refusal."""
    record()
    place.touch() if place == spool.LOCATIONS else place.mkdir()
    assert tracking.deliver() == 0
    (said,) = caplog.messages
    assert str(place) in said
    assert "1 runs wait in .satiety/spool" in said
    place.unlink() if place == spool.LOCATIONS else place.rmdir()
    assert tracking.deliver() == 1
    assert len(runs(client)) == 1


HEAD = {
    "run": "1-augment-0000000a",
    "stage": "augment",
    "start": 1,
    "parent": None,
    "workspace": ".",
    "settings": {},
    "params": {},
}
WHOLE = (json.dumps(HEAD) + "\n" + json.dumps({"metric": "loss", "value": 0.5, "step": 1, "time": 2}) + "\n").encode()
DAMAGED = {
    "NULs": bytes(len(WHOLE)),
    "NULs behind the head": WHOLE[:150] + bytes(60) + b"\n",
    "torn within": WHOLE.replace(b'"loss",', b'"lo\n'),
    "not UTF-8": WHOLE.replace(b"loss", b"lo\xe9s"),
    "a list as last line": WHOLE + b"[1, 2]\n",
    "a number as last line": WHOLE + b"7\n",
    "a head that is a list": b"[]\n" + WHOLE,
    "a head without its keys": WHOLE.replace(b'"settings"', b'"sittengs"'),
    "a head whose parent is a list": WHOLE.replace(b"null", b"[]"),
    "a key that is none": WHOLE.replace(b"1-augment-0000000a", b"../../../x"),
    "a metric without value": WHOLE.replace(b'"value"', b'"valve"'),
    "a metric whose step is a text": WHOLE.replace(b'"step": 1', b'"step": "1"'),
    "deep": b"[" * 100_000 + b"\n",
    "an end that is none": WHOLE + b'{"end": "soon", "status": []}\n',
}


@pytest.mark.parametrize("ending", ["open", "jsonl"])
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_put_aside_once_and_all_others_are_delivered(
    client: Any, kind: str, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    SPOOL.mkdir(parents=True)
    path = SPOOL / f"{HEAD['run']}.{ending}"
    path.write_bytes(DAMAGED[kind])
    record()
    assert tracking.deliver() == 1
    assert [run.info.run_name for run in runs(client)] == ["augment"]
    assert path.with_suffix(".damaged").read_bytes() == DAMAGED[kind]
    record("retrieve")
    assert tracking.deliver() == 1
    (message,) = caplog.messages
    assert message.startswith(f"{path}: damaged, ignored, and renamed to {HEAD['run']}.damaged: ")


def test_the_run_of_a_process_that_died_keeps_its_lines_whatever_follows_them(client: Any) -> None:
    """As after a power loss: the file's size was written, what was to be there was not."""
    SPOOL.mkdir(parents=True)
    (SPOOL / f"{HEAD['run']}.open").write_bytes(WHOLE + bytes(500))
    assert tracking.deliver() == 1
    (run,) = runs(client)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"loss": 0.5})


def test_an_end_that_the_disk_does_not_take_leaves_the_lines_that_are_there() -> None:
    SPOOL.mkdir(parents=True)
    path = SPOOL / f"{HEAD['run']}.open"
    path.write_bytes(WHOLE + b'{"metric": "lo')
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
    command = [sys.executable, "-c", limit + "from tasks.spool_reader import close_and_list; print(close_and_list())"]
    env = os.environ | {"PYTHONPATH": str(CODE)}
    done = subprocess.run(command, text=True, capture_output=True, env=env, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert "cannot be closed now: File too large" in done.stderr
    assert path.read_bytes().startswith(WHOLE)
    assert [line.get("status") for line in read(close_and_list()[0])] == [None, None, "KILLED"]


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b'{"run_id": "a"', b"[]", b'{"run_id": 3}', b"\xff"])
def test_a_damaged_note_of_an_arrival_is_none_and_is_made_anew(
    client: Any, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    record()
    key = lines()[0]["run"]
    note = spool.LOCATIONS / f"{key}.json"
    note.parent.mkdir()
    note.write_bytes(content)
    assert tracking.deliver() == 1
    where = spool.find_location(key)
    assert where is not None
    assert where.run_id == runs(client)[0].info.run_id
    assert [message.startswith(f"{note}: left out") for message in caplog.messages] == [True]


def below(key: str, monkeypatch: pytest.MonkeyPatch, *stages: str) -> None:
    monkeypatch.setenv("SATIETY_PARENT_RUN", key)
    for stage in stages:
        record(stage)


def by_name(client: Any) -> dict[str, Any]:
    found = runs(client)
    assert len(found) == len({run.info.run_name for run in found})
    return {run.info.run_name: run for run in found}


def test_a_parent_and_its_stages_arrive_in_one_delivery(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with spool.open_parent_run("pipeline", {"reason": "scheduled"}) as run:
        below(run.head["run"], monkeypatch, "ingest", "augment")
    assert tracking.deliver() == 3
    found = by_name(client)
    above = found["pipeline"]
    assert (above.info.status, above.data.params) == ("FINISHED", {"reason": "scheduled"})
    assert {found[name].data.tags["mlflow.parentRunId"] for name in ("ingest", "augment")} == {above.info.run_id}
    assert "mlflow.parentRunId" not in above.data.tags


def test_a_stage_that_arrives_before_its_parent_makes_a_place_that_the_parent_fills(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spool.open_parent_run("pipeline", {"reason": "by hand"}) as run:
        below(run.head["run"], monkeypatch, "ingest")
        assert tracking.deliver() == 1
        place = by_name(client)["pipeline"]
        assert (place.info.status, place.data.params) == ("RUNNING", {})
        where = spool.find_location(run.head["run"])
        assert where is not None
        assert (where.run_id, where.url) == (place.info.run_id, None)
    assert tracking.deliver() == 1
    filled = by_name(client)["pipeline"]
    assert (filled.info.run_id, filled.info.status) == (place.info.run_id, "FINISHED")
    assert filled.data.params == {"reason": "by hand"}
    assert (filled.data.tags["satiety.stage"], filled.info.start_time) == ("pipeline", run.head["start"])


def test_a_run_made_twice_by_a_slow_server_is_one_after_the_delivery(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    whole = MlflowClient.create_run

    def twice(self: Any, *args: Any, **kwargs: Any) -> Any:
        whole(self, *args, **kwargs)
        return whole(self, *args, **kwargs)

    with spool.open_parent_run("pipeline", {}) as run:
        below(run.head["run"], monkeypatch, "ingest", "augment")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_run", twice)
        assert tracking.deliver() == 3
    found = by_name(client)
    assert sorted(found) == ["augment", "ingest", "pipeline"]
    assert found["ingest"].data.tags["mlflow.parentRunId"] == found["pipeline"].info.run_id


@pytest.mark.parametrize(("error", "status"), [(ZeroDivisionError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_parent_ends_as_its_block_does(error: type[BaseException], status: str) -> None:
    with pytest.raises(error), spool.open_parent_run("pipeline", {}):
        raise error
    assert [line["status"] for line in lines() if "end" in line] == [status]


def test_a_parent_that_was_ended_is_not_ended_again() -> None:
    with spool.open_parent_run("pipeline", {}) as run:
        run.end("FAILED")
    assert [line["status"] for line in lines() if "end" in line] == ["FAILED"]


def test_the_page_of_a_run_carries_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_TRACKING_URI", "https://me:secret@mlflow.example.org/")
    assert tracking._run_page("r1", "7") == "https://mlflow.example.org/#/experiments/7/runs/r1"


def test_only_the_last_arrivals_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_LOCATIONS", 3)
    for number in range(5):
        spool.save_location(f"{number}-augment-00000000", spool.RunLocation(str(number), "1", None))
    assert spool.find_location("0-augment-00000000") is None
    assert spool.find_location("4-augment-00000000") == spool.RunLocation("4", "1", None)
    assert len(list(spool.LOCATIONS.iterdir())) == 3


def test_a_password_in_a_params_url_is_not_spooled() -> None:
    with track_run("augment", Made(alpha=1, word="s3://me:secret@host/x")):
        pass
    assert lines()[0]["params"]["augment.word"] == '"s3://host/x"'


def test_data_sets_and_artifacts_arrive_once_though_they_are_sent_twice(client: Any, workspace: Path) -> None:
    Path("plots").mkdir()
    Path("plots/loss.csv").write_text("step,loss\n1,0.5\n")
    with track_run("finetune", PARAMS) as run:
        run.log_input("train", digest="ab" * 32, uri="data/train.parquet", rows=12)
        run.log_input("labelled", digest="cd" * 32, uri="https://me:secret@example.org/x.csv")
        run.log_artifact(Path("plots"))
        run.finish({})
    Path("plots/loss.csv").write_text("what a later run made")
    (path,) = SPOOL.glob("*.jsonl")
    content = path.read_bytes()
    shutil.copytree(spool.locate_artifacts(path), "again")
    assert tracking.deliver() == 1
    assert not spool.locate_artifacts(path).exists()
    path.write_bytes(content)
    Path("again").rename(spool.locate_artifacts(path))
    assert tracking.deliver() == 1
    (there,) = runs(client)
    inputs = {one.dataset.name: one for one in client.get_run(there.info.run_id).inputs.dataset_inputs}
    assert {name: one.tags[0].value for name, one in inputs.items()} == {"train": "training", "labelled": "input"}
    assert json.loads(inputs["train"].dataset.profile) == {"sha256": "ab" * 32, "num_rows": 12}
    assert json.loads(inputs["labelled"].dataset.source) == {"uri": "https://example.org/x.csv"}
    assert inputs["train"].dataset.digest == "ab" * 16
    assert [found.path for found in client.list_artifacts(there.info.run_id, "plots")] == ["plots/loss.csv"]
    got = client.download_artifacts(there.info.run_id, "plots/loss.csv", str(workspace))
    assert Path(got).read_text() == "step,loss\n1,0.5\n"


def test_a_large_file_is_no_artifact(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Path("big.csv").write_bytes(b"x" * (spool.MAX_ARTIFACT_BYTES + 1))
    with track_run("finetune", PARAMS) as run:
        run.log_artifact(Path("big.csv"))
    assert "big.csv: 4,194,305 bytes are too many" in caplog.text
    assert not [path for path in SPOOL.iterdir() if path.is_dir()]


def test_all_artifacts_of_a_run_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_RUN_BYTES", 25)
    Path("docs").mkdir()
    for number in range(4):
        Path(f"docs/{number}.html").write_text("x" * 10)
    with track_run("validate", PARAMS) as run:
        run.log_artifact(Path("docs").absolute())
    (path,) = SPOOL.glob("*.jsonl")
    held = [
        one.relative_to(spool.locate_artifacts(path)).as_posix() for one in spool.locate_artifacts(path).rglob("*.html")
    ]
    assert sorted(held) == ["docs/0.html", "docs/1.html"]


@pytest.mark.parametrize("wrong", ["a" * 32, "1-x-0000000g", "1-it's-00000000"])
def test_a_parent_that_is_no_key_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_PARENT_RUN", wrong)
    with pytest.raises(SetupError, match="SATIETY_PARENT_RUN: String should match"):
        record()


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
    assert len(safe) <= MAX_NAME_LENGTH
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
