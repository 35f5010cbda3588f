"""One PostgreSQL server for MLflow and Prefect, each with its own database; and the migration from SQLite."""

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

ROOT = Path(__file__).parents[2]
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


def record_run(stage: str, points: int, parent: str | None = None) -> None:
    with track_run(stage, {"alpha": "0.5"}, parent=parent) as run:
        for step in range(points):
            run.log_metric("loss", step / 7, step)
        run.log_metric("gone", float("nan"), 0)
        run.log_input("train", digest="ab" * 32, uri="data/train.parquet", rows=12)


def read_contents(client: Any) -> list[Any]:
    """Return the contents of the runs and of the registry."""
    experiment = client.get_experiment_by_name("satiety").experiment_id
    runs = client.search_runs([experiment], order_by=["attributes.start_time"])
    history = [client.get_metric_history(run.info.run_id, "loss") for run in runs]
    (model,) = client.search_registered_models()
    version = client.get_model_version_by_alias("made-up", "champion")
    return [
        [(run.info.run_name, run.info.run_id, run.info.status, run.info.artifact_uri) for run in runs],
        [(run.data.params, run.data.tags, str(run.data.metrics)) for run in runs],
        [[entry.dataset.to_dictionary() for entry in run.inputs.dataset_inputs] for run in runs],
        [[(point.step, point.value, point.timestamp) for point in points] for points in history],
        (model.name, model.description, model.aliases, version.tags, version.run_id),
    ]


@pytest.fixture
def filled_store(workspace: Path, empty_store: Path) -> str:
    """The URL of a SQLite file with runs and a registered model, the default store of a workspace."""
    (workspace / "mlflow.db").write_bytes(empty_store.read_bytes())
    url = tracking.tracking_uri()
    with track_pipeline("pipeline", {"reason": "by hand"}) as run:
        record_run("ingest", 2, run.key)
        record_run("finetune", 2500, run.key)
    assert publish() == 3
    client = tracking.connect()
    location = find_location(run.key)
    assert location is not None
    client.create_registered_model("made-up", description="what it is for: 好")
    client.create_model_version("made-up", source="package", run_id=location["run_id"], tags={"satiety.digest": "ab"})
    client.set_registered_model_alias("made-up", "champion", "1")
    return url


def test_sqlite_is_migrated_to_postgresql_completely_and_new_runs_can_be_added(
    filled_store: str, database: Postgres
) -> None:
    from mlflow import MlflowClient

    target = database.create("moved", "mlflow_empty")
    counts = migrate(filled_store, target)
    assert (counts["runs"], counts["metrics"], counts["model_versions"], counts["inputs"]) == (3, 2504, 1, 2)
    source_client, target_client = (
        MlflowClient(filled_store, registry_uri=filled_store),
        MlflowClient(target, registry_uri=target),
    )
    assert read_contents(target_client) == read_contents(source_client)
    experiment_id = target_client.create_experiment("the next one")
    assert experiment_id not in {experiment.experiment_id for experiment in source_client.search_experiments()}
    target_client.create_run(experiment_id)
    with pytest.raises(SetupError, match=r"moved is not empty \(experiments 3, .*; create an empty database"):
        migrate(filled_store, target)
    assert len(target_client.search_experiments()) == 3


def test_a_failed_migration_leaves_the_target_unchanged(
    filled_store: str, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = database.create("half", "mlflow_empty")
    experiments = database.execute("SELECT name FROM experiments", "half")
    monkeypatch.setattr("tasks.migrate._advance_sequences", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        migrate(filled_store, target)
    assert database.execute("SELECT name FROM experiments", "half") == experiments == [("Default",)]
    assert database.execute("SELECT count(*) FROM runs", "half") == [(0,)]


def test_a_target_with_another_schema_is_refused(filled_store: str, database: Postgres) -> None:
    target = database.create("older", "mlflow_empty")
    database.execute("DROP TABLE webhook_events", "older")
    with pytest.raises(SetupError, match=r"older: cannot be opened: .* an older MLflow run `mlflow db upgrade`"):
        migrate(filled_store, target)


def test_a_source_with_foreign_tables_is_refused(filled_store: str, database: Postgres) -> None:
    with create_engine(filled_store).begin() as connection:
        connection.execute(text("CREATE TABLE ours (id INTEGER)"))
    with pytest.raises(SetupError, match=r"contains tables of other software: ours; move them"):
        migrate(filled_store, database.create("foreign_", "mlflow_empty"))


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
def test_an_invalid_migration_is_one_line(
    source: str, target: str, message: str, filled_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["migrate", source, target])
    with pytest.raises(SystemExit, match=message) as raised:
        cli()
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unreachable_database_is_one_warning(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record_run("ingest", 1)
    monkeypatch.setenv("SATIETY_TRACKING_URI", "postgresql+psycopg://me:secret@127.0.0.1:1/mlflow")
    assert publish() == 0
    (warning,) = caplog.messages
    assert "MLflow at postgresql+psycopg://127.0.0.1:1/mlflow does not answer" in warning
    assert "secret" not in warning


def test_prefect_and_mlflow_share_one_postgresql_server(
    database: Postgres, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    database.create("prefect")
    history = database.create("history", "mlflow_empty")
    env = os.environ | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.url("prefect", "asyncpg"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_HOME": str(workspace / "prefect"),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.run([sys.executable, "-c", FLOW], env=env, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    key = next(line.split()[1] for line in process.stdout.splitlines() if line.startswith("KEY"))
    assert database.execute("SELECT state_name FROM flow_run", "prefect") == [("Completed",)]
    monkeypatch.setenv("SATIETY_TRACKING_URI", history)
    assert publish() == 1
    location = find_location(key)
    assert location is not None
    assert location["url"] is None
    assert MlflowClient(history).get_run(location["run_id"]).data.tags["flow"] == "empty"
