"""The servers of this folder's tests, and a workspace that speaks with none of them yet."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.servers import MLflow, Postgres, postgres, postgres_programs

EMPTY = "mlflow_empty"
MAKE = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1]).search_experiments()"


@pytest.fixture(scope="session")
def database() -> Iterator[Postgres]:
    """A PostgreSQL; its database ``mlflow_empty`` holds MLflow's tables: slow to make, quick to copy."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian's package `postgresql`)")
    with postgres(programs) as server:
        url = server.create(EMPTY)
        subprocess.run([sys.executable, "-W", "ignore", "-c", MAKE, url], check=True, capture_output=True)
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
    """An MLflow server that holds nothing."""
    server = MLflow(tmp_path_factory.mktemp("mlflow"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(os.environ)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    monkeypatch.undo()
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    for name in set(os.environ) - before:
        del os.environ[name]
