"""The server stops during publication, or is slow: the stages continue, and every run is published later."""

import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tasks import tracking
from tasks.outbox import OUTBOX, track_pipeline, track_run
from tasks.publish import publish
from tests.patience import PATIENCE
from tests.services.servers import MLflow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]


def record_run(stage: str, points: int, parent: str) -> None:
    Path("reports").mkdir(exist_ok=True)
    Path(f"reports/{stage}.json").write_text('{"score": 0.7}')
    with track_run(stage, {"alpha": "0.5"}, parent=parent) as run:
        for step in range(points):
            run.log_metric("loss", 1 / (step + 1), step)
        run.log_report(Path(f"reports/{stage}.json"))


def search_runs(client: Any) -> list[Any]:
    experiment = client.get_experiment_by_name("satiety").experiment_id
    return list(client.search_runs([experiment], order_by=["attributes.start_time"]))


@pytest.fixture
def server_with_short_timeouts(workspace: Path, mlflow_server: MLflow, monkeypatch: pytest.MonkeyPatch) -> MLflow:
    monkeypatch.setenv("SATIETY_TRACKING_URI", mlflow_server.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    return mlflow_server


def stop_after(batches: int, server: MLflow, patch: pytest.MonkeyPatch) -> None:
    """Stop the server after a number of batches of metrics."""
    from mlflow.store.tracking.rest_store import RestStore

    original, batch_calls = RestStore.log_batch, []

    def count(self: Any, *args: Any, **kwargs: Any) -> None:
        batch_calls.append(1)
        if len(batch_calls) > batches:
            server.stop()
        original(self, *args, **kwargs)

    patch.setattr(RestStore, "log_batch", count)


def test_runs_are_published_later_if_the_server_stops_or_is_slow(
    server_with_short_timeouts: MLflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from mlflow import MlflowClient

    with track_pipeline("pipeline", {}) as flow:
        record_run("ingest", 10, flow.key)
        assert publish() == 1
        record_run("finetune", 2500, flow.key)
        with monkeypatch.context() as patch:
            stop_after(2, server_with_short_timeouts, patch)
            assert publish() == 0
        record_run("evaluate", 3, flow.key)
        assert publish() == 0
        assert "3 runs wait in .satiety/outbox" in caplog.text
        server_with_short_timeouts.start()

        server_with_short_timeouts.send(signal.SIGSTOP)  # it accepts connections but does not answer
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        assert publish() == 0, "the client did not time out"
        server_with_short_timeouts.send(signal.SIGCONT)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        record_run("register", 1, flow.key)
    assert publish() == 4

    client = MlflowClient(server_with_short_timeouts.url)
    parent, *children = search_runs(client)
    names = ["ingest", "finetune", "evaluate", "register"]
    assert [run.info.run_name for run in children] == names
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    for run, points in zip(children, (10, 2500, 3, 1), strict=True):
        history = client.get_metric_history(run.info.run_id, "loss")
        assert [point.step for point in history] == list(range(points))
        (artifact,) = client.list_artifacts(run.info.run_id, "reports")
        assert artifact.path == f"reports/{run.info.run_name}.json"
    assert not [path for path in OUTBOX.iterdir() if path.name != "publish.lock"]
    location = tracking.find_location(flow.key)
    assert location is not None
    (experiment,) = {run.info.experiment_id for run in children}
    assert location["url"] == f"{server_with_short_timeouts.url}/#/experiments/{experiment}/runs/{parent.info.run_id}"
    with urllib.request.urlopen(location["url"], timeout=PATIENCE) as page:  # noqa: S310  # our own server
        assert page.status == 200
