"""The pipeline as a team runs it: deployed to a real Prefect server, started by hand or by schedule, and killed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.events import HARMFUL
from tests.flows.alerts.receivers import serve_web
from tests.patience import PATIENCE, wait_until
from tests.pipeline.project import Project
from tests.pipeline.retraining import copy_project, record_traffic
from tests.pipeline.server import CHROMIUM, FLAGS, Server, alive, kill, list_children, serve

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

ENDLESS = ["finetune.recipe={kind: fine_tune, training: {min_steps: 500_000, max_steps: 500_000, patience: null}}"]
"""Overrides for a fine-tuning that never ends."""


@pytest.fixture(scope="module")
def server(committed_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    copy = committed_project.copy(tmp_path_factory.mktemp("served"))
    with serve(copy, tmp_path_factory.mktemp("prefect")) as started:
        yield started


def test_deploying_twice_creates_everything_once(server: Server) -> None:
    automations = [(entry["name"], entry["trigger"]["id"]) for entry in server.call_api("automations/filter", {})]
    process = server.run("satiety", "deploy")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "pipeline/daily" in process.stdout
    names = [deployment["name"] for deployment in server.call_api("deployments/filter", {})]
    assert sorted(names) == ["batch", "daily", "gpu", "hourly", "monthly", "weekly"]
    assert sorted(pool["name"] for pool in server.call_api("work_pools/filter", {})) == ["gpu", "satiety"]
    assert [
        (entry["name"], entry["trigger"]["id"]) for entry in server.call_api("automations/filter", {})
    ] == automations
    expected = {"satiety: end runs whose process died", "satiety: retrain on harmful drift"}
    assert {name for name, _ in automations} == expected
    limits = server.call_api("v2/concurrency_limits/filter", {})
    assert [limit["limit"] for limit in limits if limit["name"] == "gpu"] == [1]
    crons = {
        deployment["name"]: [schedule["schedule"]["cron"] for schedule in deployment["schedules"]]
        for deployment in server.call_api("deployments/filter", {})
    }
    assert crons.pop("gpu") == crons.pop("batch") == []
    assert crons == {"daily": ["0 3 * * *"], "hourly": ["0 * * * *"], "weekly": ["0 4 * * 0"], "monthly": ["0 5 1 * *"]}


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_run_started_on_the_page_completes_and_shows_its_artifacts(server: Server) -> None:
    with server.worker(), open_browser() as open_page:
        open_page.goto(f"{server.url}/deployments/deployment/{server.find_deployment()}")
        run = start_quick_run(open_page)
        assert server.wait_for_end(run) == "COMPLETED"
        open_page.goto(f"{server.url}/runs/flow-run/{run}?tab=Artifacts")
        open_page.get_by_text("pipeline", exact=True).first.wait_for()
        artifacts = server.call_api("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
        open_page.goto(f"{server.url}/artifacts/artifact/{select_artifact(artifacts, 'pipeline')['id']}")
        open_page.get_by_text("frozen test examples").first.wait_for()
    assert "MLflow" in select_artifact(artifacts, "pipeline")["data"]
    assert '"this run": "cached"' in select_artifact(artifacts, "stages")["data"]
    assert {"worth", "levers"} < {artifact["key"] for artifact in artifacts}


def start_quick_run(page: Any) -> str:
    """Start a run on the page and return its id; retry if the page changed during the click or the server was busy.

    The SQLite database of Prefect is sometimes locked; the page then shows an error, and users click again.
    """
    from playwright.sync_api import TimeoutError as Timeout

    for _ in range(3):
        page.get_by_role("button", name="Run", exact=True).click()
        try:
            with page.expect_response(lambda answer: "create_flow_run" in answer.url, timeout=20_000) as started:
                page.get_by_text("Quick run").click()
            if started.value.ok:
                return str(started.value.json()["id"])
        except Timeout:
            pass
        page.reload()
    raise AssertionError("the page did not start a run")


def select_artifact(artifacts: list[dict[str, Any]], key: str) -> dict[str, Any]:
    (match,) = (artifact for artifact in artifacts if artifact["key"] == key)
    return match


@contextmanager
def open_browser() -> Iterator[Any]:
    """Open a page in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        tab = browser.new_page(viewport={"width": 1500, "height": 1000})
        tab.set_default_timeout(1000 * PATIENCE)
        yield tab
        browser.close()


def test_scheduled_runs_start_and_complete(server: Server) -> None:
    deployments = ("pipeline/daily", "monitor/hourly")
    for deployment in deployments:
        server.schedule(deployment, 15)
    with server.worker():
        wait_until(lambda: all(map(server.list_scheduled_runs, deployments)), every=0.5)
        assert server.wait_for_end(server.list_scheduled_runs("pipeline/daily")[0]) == "COMPLETED"
        assert server.wait_for_end(server.list_scheduled_runs("monitor/hourly")[0]) == "COMPLETED"


EMIT_EVENTS = """
import sys, time
from pathlib import Path
from flows.events import HARMFUL, emit
root, other_root = map(Path, sys.argv[1:])
for number in range(100):
    emit(HARMFUL, root, {"number": number})
    time.sleep(0.02)  # many at once lock the SQLite database of the server
emit(HARMFUL, other_root, {"说明": "有害漂移"})
"""


def test_harmful_drift_starts_one_retraining_per_workspace(server: Server, tmp_path: Path) -> None:
    root, retraining = server.project.root, copy_project(server.project, tmp_path / "那里")
    record_traffic(retraining.root, seed=6)
    snapshot = retraining.take_snapshot()
    process = server.run("python", "-c", EMIT_EVENTS, str(root), str(retraining.root))
    assert process.returncode == 0, process.stderr
    wait_until(
        lambda: [event for event in server.list_events(HARMFUL) if event["payload"].get("说明") == "有害漂移"],
        every=0.5,
    )
    wait_until(lambda: len(server.list_automation_runs()) == 2, every=0.5)
    runs = {run["parameters"]["workspace"]: run for run in server.list_automation_runs()}
    first, second = runs[str(root)], runs[str(retraining.root)]

    with server.worker():
        assert server.wait_for_end(first["id"]) == "COMPLETED"
        assert server.wait_for_end(second["id"]) == "COMPLETED"
    assert len(server.list_automation_runs()) == 2
    assert first["deployment_id"] == server.find_deployment("retrain/weekly")
    assert first["parameters"]["reason"].startswith("harmful drift, event ")
    assert "not retrained: 0 new labels" in server.call_api(f"flow_runs/{first['id']}")["state"]["message"]
    assert retraining.read_last_decision()["decision"] in ("promoted", "kept")
    assert retraining.take_snapshot() == snapshot


def test_the_batch_deployment_predicts_a_file(server: Server, tmp_path: Path) -> None:
    file, output = tmp_path / "问.txt", tmp_path / "answers.jsonl"
    file.write_text("a good film\n酒店很好\n", encoding="utf-8")
    with server.worker():
        run = server.start("predict/batch", file=str(file), output=str(output))
        assert server.wait_for_end(run) == "COMPLETED"
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["a good film", "酒店很好"]
    assert all(row["id"] for row in rows), "a prediction was not recorded"


def test_a_failed_run_sends_an_alert(server: Server, tmp_path: Path) -> None:
    with serve_web() as hook, server.worker(SATIETY_ALERTS=f"json://127.0.0.1:{hook.port}/"):
        run = server.start(workspace=str(tmp_path))
        assert server.wait_for_end(run) == "FAILED"
        wait_until(lambda: hook.received, every=0.5)
    (message,) = hook.received
    assert message["type"] == "warning"
    for words in ("flow: pipeline", f"{tmp_path}: no params.yaml", f"/flow-run/{run}"):
        assert words in message["message"]


@pytest.mark.long
def test_training_can_run_in_another_pool(server: Server) -> None:
    with server.worker(), server.worker("gpu"):
        run = server.start(gpu_pool="gpu", overrides=["finetune.seed=99"])
        assert server.wait_for_end(run) == "COMPLETED"
    gpu_runs = {run["name"]: run for run in server.list_runs() if run["work_pool_name"] == "gpu"}
    assert {name: run["state_type"] for name, run in gpu_runs.items()} == {
        "pretrain": "COMPLETED",
        "finetune": "COMPLETED",
    }
    assert [
        task["name"]
        for task in server.call_api("task_runs/filter", {})
        if task["flow_run_id"] == gpu_runs["finetune"]["id"]
    ]


@pytest.fixture
def start_training(server: Server) -> Callable[[], tuple[str, int]]:
    """Return a function that starts an endless run; it returns the ids of the run and of its fine-tuning process."""
    lock = server.project.root / ".satiety/finetune.lock"

    def start() -> tuple[str, int]:
        lock.unlink(missing_ok=True)
        run = server.start(overrides=ENDLESS)
        wait_until(lambda: lock.exists() and lock.read_text().strip().isdigit(), every=0.5)
        return run, int(lock.read_text())

    return start


def test_a_killed_worker_ends_its_run(server: Server, start_training: Callable[[], tuple[str, int]]) -> None:
    """The run ends as crashed, none of its processes goes on, and params.yaml is restored.

    On a busy machine the flow may end before it has restored the file; then `satiety check` restores it.
    """
    params = (server.project.root / "params.yaml").read_bytes()
    with server.worker() as worker:
        run, stage = start_training()
        assert (server.project.root / "params.yaml").read_bytes() != params
        flow = list_children(worker.pid)
        kill(worker.pid)
        assert server.wait_for_end(run) == "CRASHED"
    wait_until(lambda: not any(map(alive, [stage, *flow])), every=0.5)
    assert server.project.run("satiety", "check").returncode == 0
    assert (server.project.root / "params.yaml").read_bytes() == params


@pytest.mark.long
def test_a_run_with_killed_worker_and_flow_is_marked_as_crashed(
    server: Server, start_training: Callable[[], tuple[str, int]]
) -> None:
    """Worker and flow die together, so only the automation can mark the run as crashed. The next run completes."""
    params = (server.project.root / "params.yaml").read_bytes()
    with server.worker() as worker:
        run, stage = start_training()
        flow = list_children(worker.pid)
        assert flow
        kill(worker.pid, *flow)
    assert server.get_state(run) == "RUNNING"
    wait_until(lambda: not alive(stage), every=0.5)
    assert server.wait_for_end(run) == "CRASHED"
    with server.worker():
        assert server.wait_for_end(server.start()) == "COMPLETED"
    assert (server.project.root / "params.yaml").read_bytes() == params
    assert server.project.run("satiety", "verify").returncode == 0


def test_overrides_become_an_experiment_and_do_not_change_params_yaml(server: Server) -> None:
    root = server.project.root
    params = (root / "params.yaml").read_bytes()
    code = "from flows.pipeline import pipeline; pipeline(overrides=['evaluate.seed=77'])"
    process = server.run("python", "-c", code)
    assert process.returncode == 0, process.stdout + process.stderr
    assert (root / "params.yaml").read_bytes() == params
    newest = server.list_runs()[0]["name"]
    table = server.run("dvc", "exp", "show", "--csv").stdout
    assert newest in table, table
    head, *rows = [line.split(",") for line in table.splitlines()]
    assert "evaluate.seed" in head
    (experiment,) = (row for row in rows if newest in row)
    assert "!" not in experiment[head.index("after")]
    states = {
        task["name"]: task["state_name"]
        for task in server.call_api("task_runs/filter", {})
        if task["flow_run_id"] == server.list_runs()[0]["id"]
    }
    assert states["ingest"] == "Cached"
    refused = server.run("python", "-c", code.replace("=77", "=x"))
    assert refused.returncode
    assert "overrides: evaluate.seed: must be a whole number" in refused.stderr + refused.stdout
