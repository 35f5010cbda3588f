"""Many writers at once, into SQLite and into PostgreSQL: nothing lost, nothing twice."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

CODE = Path(__file__).parents[2]
WRITERS, POINTS = 8, 1250

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_ten_thousand_points_by_eight_writers_arrive_once(
    store: str, workspace: Path, request: pytest.FixtureRequest
) -> None:
    from mlflow import MlflowClient

    url = f"sqlite:///{workspace / 'mlflow.db'}"
    if store == "postgresql":
        url = request.getfixturevalue("database").create("writers", "mlflow_empty")
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.writers", str(WRITERS), str(POINTS)]
    env = os.environ | {"PYTHONPATH": str(CODE), "SATIETY_TRACKING_URI": url}
    process = subprocess.run(command, env=env, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert process.returncode == 0, process.stdout + process.stderr
    client: Any = MlflowClient(url)
    experiment = client.get_experiment_by_name("satiety").experiment_id
    above, *runs = client.search_runs([experiment], order_by=["attributes.start_time"])
    assert above.data.tags["flow"] == "pipeline"
    assert [run.info.run_name for run in runs] == ["augment"] * WRITERS
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {above.info.run_id}
    assert {run.info.status for run in (above, *runs)} == {"FINISHED"}
    points = [(int(p.value), p.step) for run in runs for p in client.get_metric_history(run.info.run_id, "loss")]
    assert sorted(points) == [(writer, step) for writer in range(WRITERS) for step in range(POINTS)]
    assert all(len(run.inputs.dataset_inputs) == 1 for run in runs)
