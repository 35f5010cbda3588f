"""A package is registered and promoted once in the registry of a real MLflow server."""

import json
import os
from pathlib import Path

import pytest

from tasks import history
from tests.packaging import Workspace
from tests.services.servers import MLflow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]


def test_a_model_is_registered_and_promoted_over_http_once(
    mlflow_server: MLflow, workspace: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    from tasks import promote, register

    monkeypatch.setenv("SATIETY_TRACKING_URI", mlflow_server.url)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    model_workspace = Workspace(workspace, tiny)
    model_workspace.fill()
    register.main.run(**model_workspace.paths())
    promote.main.run()
    report = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    assert report["decision"] == "promoted"
    client = MlflowClient(mlflow_server.url)
    (version,) = client.search_model_versions("name = 'made-up'")
    assert client.get_model_version_by_alias("made-up", "champion").version == version.version
    (move,) = history.read_moves(client, "made-up")
    assert (move.before, move.after, move.confirmed, move.reason) == (None, version.version, True, report["reason"])
    promote.main.run()
    assert json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))["alpha"]["comparison"] == 1
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ
