"""Concurrent writers to SQLite and PostgreSQL: nothing is lost or stored twice."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
WRITERS, POINTS = 8, 1250

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_points_of_eight_concurrent_writers_are_stored_once(
    store: str, workspace: Path, request: pytest.FixtureRequest
) -> None:
    from mlflow import MlflowClient

    url = f"sqlite:///{workspace / 'mlflow.db'}"
    if store == "postgresql":
        url = request.getfixturevalue("database").create("writers", "mlflow_empty")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.writers", str(WRITERS), str(POINTS)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "SATIETY_TRACKING_URI": url}
    process = subprocess.run(command, env=env, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert process.returncode == 0, process.stdout + process.stderr
    client: Any = MlflowClient(url)
    experiment = client.get_experiment_by_name("satiety").experiment_id
    parent, *children = client.search_runs([experiment], order_by=["attributes.start_time"])
    assert parent.data.tags["flow"] == "pipeline"
    assert [run.info.run_name for run in children] == ["augment"] * WRITERS
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    points = [(int(p.value), p.step) for run in children for p in client.get_metric_history(run.info.run_id, "loss")]
    assert sorted(points) == [(writer, step) for writer in range(WRITERS) for step in range(POINTS)]
    assert all(len(run.inputs.dataset_inputs) == 1 for run in children)
