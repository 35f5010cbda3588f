"""One PostgreSQL for MLflow and Prefect, each with a database of its own; and the way there from SQLite."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from satiety.core.errors import SetupError
from tasks import tracking
from tasks.migrate import cli, migrate
from tasks.outbox import track_pipeline, track_run
from tasks.publish import publish
from tasks.tracking import find_location
from tests.services.servers import Postgres

CODE = Path(__file__).parents[2]
FLOW = """
import sys
from prefect import flow
from tasks.outbox import track_pipeline

@flow(name="empty", persist_result=False)
def empty():
    with track_pipeline("empty", {}) as run:
        print("KEY", run.key)

empty()
"""
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]


def record(stage: str, points: int, parent: str | None = None) -> None:
    with track_run(stage, {"alpha": "0.5"}, parent=parent) as run:
        for step in range(points):
            run.log_metric("loss", step / 7, step)
        run.log_metric("gone", float("nan"), 0)
        run.log_input("train", digest="ab" * 32, uri="data/train.parquet", rows=12)


def seen(client: Any) -> list[Any]:
    """Return all that one asks of the runs and of the registry."""
    experiment = client.get_experiment_by_name("satiety").experiment_id
    runs = client.search_runs([experiment], order_by=["attributes.start_time"])
    history = [client.get_metric_history(run.info.run_id, "loss") for run in runs]
    (model,) = client.search_registered_models()
    version = client.get_model_version_by_alias("made-up", "champion")
    return [
        [(run.info.run_name, run.info.run_id, run.info.status, run.info.artifact_uri) for run in runs],
        [(run.data.params, run.data.tags, str(run.data.metrics)) for run in runs],
        [[one.dataset.to_dictionary() for one in run.inputs.dataset_inputs] for run in runs],
        [[(point.step, point.value, point.timestamp) for point in points] for points in history],
        (model.name, model.description, model.aliases, version.tags, version.run_id),
    ]


@pytest.fixture
def used(workspace: Path, empty_store: Path) -> str:
    """A SQLite file in which MLflow keeps runs and a registered model; it is what a workspace has by default."""
    (workspace / "mlflow.db").write_bytes(empty_store.read_bytes())
    url = tracking.tracking_uri()
    with track_pipeline("pipeline", {"reason": "by hand"}) as run:
        record("ingest", 2, run.key)
        record("finetune", 2500, run.key)
    assert publish() == 3
    client = tracking.connect()
    found = find_location(run.key)
    assert found is not None
    client.create_registered_model("made-up", description="what it is for: 好")
    client.create_model_version("made-up", source="package", run_id=found["run_id"], tags={"satiety.digest": "ab"})
    client.set_registered_model_alias("made-up", "champion", "1")
    return url


def test_mlflow_s_sqlite_moves_to_postgresql_whole_and_goes_on_there(used: str, database: Postgres) -> None:
    from mlflow import MlflowClient

    target = database.create("moved", "mlflow_empty")
    counts = migrate(used, target)
    assert (counts["runs"], counts["metrics"], counts["model_versions"], counts["inputs"]) == (3, 2504, 1, 2)
    old, new = MlflowClient(used, registry_uri=used), MlflowClient(target, registry_uri=target)
    assert seen(new) == seen(old)
    added = new.create_experiment("the next one")
    assert added not in {experiment.experiment_id for experiment in old.search_experiments()}
    new.create_run(added)
    with pytest.raises(SetupError, match=r"moved is not empty \(experiments 3, .*; create an empty database"):
        migrate(used, target)
    assert len(new.search_experiments()) == 3


def test_a_move_that_fails_half_way_leaves_the_target_as_it_was(
    used: str, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = database.create("half", "mlflow_empty")
    before = database.execute("SELECT name FROM experiments", "half")
    monkeypatch.setattr("tasks.migrate._advance_sequences", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        migrate(used, target)
    assert database.execute("SELECT name FROM experiments", "half") == before == [("Default",)]
    assert database.execute("SELECT count(*) FROM runs", "half") == [(0,)]


def test_a_database_of_another_schema_is_refused(used: str, database: Postgres) -> None:
    target = database.create("older", "mlflow_empty")
    database.execute("DROP TABLE webhook_events", "older")
    with pytest.raises(SetupError, match=r"older: cannot be opened: .* an older MLflow run `mlflow db upgrade`"):
        migrate(used, target)


def test_tables_that_are_not_mlflow_s_are_not_left_behind_unsaid(used: str, database: Postgres) -> None:
    with create_engine(used).begin() as connection:
        connection.execute(text("CREATE TABLE ours (id INTEGER)"))
    with pytest.raises(SetupError, match=r"contains tables of other software: ours; move them"):
        migrate(used, database.create("foreign_", "mlflow_empty"))


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("sqlite:///nowhere.db", "sqlite:///other.db", r"^sqlite:///nowhere\.db: no such file$"),
        ("sqlite:///same.db", "sqlite:///same.db", "source and target are the same database"),
        (
            "sqlite:///mlflow.db",
            "postgresql+psycopg://me:secret@127.0.0.1:1/x",
            r"://127\.0\.0\.1:1/x: cannot be opened: .*refused",
        ),
        ("sqlite:///mlflow.db", "postgresql://me:secret@127.0.0.1:1/x", r"use postgresql\+psycopg://"),
    ],
)
def test_what_cannot_be_moved_is_said_in_one_line(
    source: str, target: str, message: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["migrate", source, target])
    with pytest.raises(SystemExit, match=message) as ended:
        cli()
    assert "secret" not in str(ended.value)
    assert "\n" not in str(ended.value)


def test_a_database_that_is_down_costs_a_run_one_warning_and_no_minutes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record("ingest", 1)
    monkeypatch.setenv("SATIETY_TRACKING_URI", "postgresql+psycopg://me:secret@127.0.0.1:1/mlflow")
    assert publish() == 0
    (said,) = caplog.messages
    assert "MLflow at postgresql+psycopg://127.0.0.1:1/mlflow does not answer" in said
    assert "secret" not in said


def test_a_flow_and_its_run_in_mlflow_live_in_one_postgresql(
    database: Postgres, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    database.create("prefect")
    history = database.create("history", "mlflow_empty")
    env = os.environ | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.url("prefect", "asyncpg"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_HOME": str(workspace / "prefect"),
        "PYTHONPATH": str(CODE),
    }
    process = subprocess.run([sys.executable, "-c", FLOW], env=env, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    key = next(line.split()[1] for line in process.stdout.splitlines() if line.startswith("KEY"))
    assert database.execute("SELECT state_name FROM flow_run", "prefect") == [("Completed",)]
    monkeypatch.setenv("SATIETY_TRACKING_URI", history)
    assert publish() == 1
    where = find_location(key)
    assert where is not None
    assert where["url"] is None
    assert MlflowClient(history).get_run(where["run_id"]).data.tags["flow"] == "empty"
