"""A workspace with the inputs of a package, and MLflow in a SQLite file of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.packaging import Workspace


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables: creating them takes seconds, so tests copy the file."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def registering(
    tiny: Path, empty_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace in which `register` can run."""
    import mlflow

    environment = set(os.environ)
    (tmp_path / "mlflow.db").write_bytes(empty_registry.read_bytes())
    workspace = Workspace(tmp_path, tiny)
    workspace.fill()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    yield workspace
    monkeypatch.undo()
    mlflow.set_tracking_uri(None)
    for name in set(os.environ) - environment:
        del os.environ[name]  # MLflow stores its address in a variable


@pytest.fixture
def client(registering: Workspace) -> Any:
    """MLflow's client for that workspace."""
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{registering.root / 'mlflow.db'}")
