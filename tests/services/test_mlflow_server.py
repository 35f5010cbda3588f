"""A server that is stopped in mid-delivery, and one that is slow: the stages go on, and all of it arrives later."""

import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from satiety.core.section import Section
from tasks import spool, tracking
from tasks.spool import SPOOL, track_run
from tests.patience import PATIENCE
from tests.services.servers import MLflow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]


class Made(Section):
    """A section for these tests."""

    alpha: float
    """Any number."""


def record(stage: str, points: int) -> None:
    Path("reports").mkdir(exist_ok=True)
    Path(f"reports/{stage}.json").write_text("{}")
    with track_run(stage, Made(alpha=0.5)) as run:
        for step in range(points):
            run.log_metric("loss", 1 / (step + 1), step)
        run.log_artifact(Path(f"reports/{stage}.json"))
        run.finish({"score": 0.7})


def runs(client: Any) -> list[Any]:
    experiment = client.get_experiment_by_name("satiety").experiment_id
    return list(client.search_runs([experiment], order_by=["attributes.start_time"]))


@pytest.fixture
def impatient(workspace: Path, mlflow_server: MLflow, monkeypatch: pytest.MonkeyPatch) -> MLflow:
    monkeypatch.setenv("SATIETY_TRACKING_URI", mlflow_server.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    return mlflow_server


def stop_after(batches: int, server: MLflow, patch: pytest.MonkeyPatch) -> None:
    """Stop the server when so many batches of metrics have arrived."""
    from mlflow import MlflowClient

    whole, seen = MlflowClient.log_batch, []

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        if "metrics" in kwargs:
            seen.append(1)
        if len(seen) > batches:
            server.stop()
        whole(self, *args, **kwargs)

    patch.setattr(MlflowClient, "log_batch", counted)


def test_a_server_that_stops_and_one_that_is_slow_lose_nothing(
    impatient: MLflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from mlflow import MlflowClient

    with spool.open_parent_run("pipeline", {}) as flow:
        monkeypatch.setenv("SATIETY_PARENT_RUN", flow.head["run"])
        record("ingest", 10)
        assert tracking.deliver() == 1
        record("finetune", 2500)
        with monkeypatch.context() as patch:
            stop_after(1, impatient, patch)
            assert tracking.deliver() == 0
        record("evaluate", 3)
        assert tracking.deliver() == 0
        assert "2 runs wait in .satiety/spool" in caplog.text
        impatient.start()

        impatient.send(signal.SIGSTOP)  # it takes connections, and answers none of them
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        assert tracking.deliver() == 0, "who asks does not wait for ever"
        impatient.send(signal.SIGCONT)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        record("register", 1)
    assert tracking.deliver() == 4

    client = MlflowClient(impatient.url)
    above, *below = runs(client)
    names = ["ingest", "finetune", "evaluate", "register"]
    assert [run.info.run_name for run in (above, *below)] == ["pipeline", *names]
    assert {run.data.tags["mlflow.parentRunId"] for run in below} == {above.info.run_id}
    assert {run.info.status for run in (above, *below)} == {"FINISHED"}
    for run, points in zip(below, (10, 2500, 3, 1), strict=True):
        history = client.get_metric_history(run.info.run_id, "loss")
        assert [point.step for point in history] == list(range(points))
        (artifact,) = client.list_artifacts(run.info.run_id, "reports")
        assert artifact.path == f"reports/{run.info.run_name}.json"
    assert not [path for path in SPOOL.iterdir() if path.name != "deliver.lock"]
    where = spool.find_location(flow.head["run"])
    assert where is not None
    assert where.url == f"{impatient.url}/#/experiments/{where.experiment_id}/runs/{above.info.run_id}"
    with urllib.request.urlopen(where.url, timeout=PATIENCE) as page:  # noqa: S310  # of our own
        assert page.status == 200
