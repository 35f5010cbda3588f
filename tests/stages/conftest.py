"""A workspace with a packaged model's makings, and MLflow in a SQLite file of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.packaging import Workspace


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables in it: making them takes seconds, copying them none."""
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

    before = set(os.environ)
    (tmp_path / "mlflow.db").write_bytes(empty_registry.read_bytes())
    made = Workspace(tmp_path, tiny)
    made.fill()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    yield made
    monkeypatch.undo()
    mlflow.set_tracking_uri(None)
    for name in set(os.environ) - before:
        del os.environ[name]  # MLflow keeps where it is in a variable


@pytest.fixture
def client(registering: Workspace) -> Any:
    """MLflow's client for that workspace."""
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{registering.root / 'mlflow.db'}")
