"""Servers for the tests of this folder, and a workspace that uses none of them yet."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.servers import MLflow, Postgres, find_postgres_programs, run_postgres

EMPTY = "mlflow_empty"
CREATE_TABLES = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1]).search_experiments()"


@pytest.fixture(scope="session")
def database() -> Iterator[Postgres]:
    """A PostgreSQL server; its database ``mlflow_empty`` has the tables of MLflow, which are slow to create."""
    programs = find_postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian's package `postgresql`)")
    with run_postgres(programs) as server:
        url = server.create(EMPTY)
        subprocess.run([sys.executable, "-W", "ignore", "-c", CREATE_TABLES, url], check=True, capture_output=True)
        yield server


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflow]:
    """An empty MLflow server."""
    server = MLflow(tmp_path_factory.mktemp("mlflow"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    names = set(os.environ)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    monkeypatch.undo()
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    for name in set(os.environ) - names:
        del os.environ[name]
