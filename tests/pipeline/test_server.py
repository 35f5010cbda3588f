"""The pipeline as a team runs it: deployed to a real Prefect server, started by hand, by the clock, and killed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.events import HARMFUL
from tests.flows.alerts.receivers import web
from tests.patience import PATIENCE, wait_until
from tests.pipeline.project import Project
from tests.pipeline.retraining import ask, settle
from tests.pipeline.server import CHROMIUM, FLAGS, Server, alive, children, kill, serve

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

LONG = {"min_steps": 500_000, "max_steps": 500_000, "patience": "null"}
ENDLESS = [f"finetune.recipe.training.{name}={value}" for name, value in LONG.items()]
"""A fine-tuning that nobody waits for."""


@pytest.fixture(scope="module")
def server(committed: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    copy = committed.copy(tmp_path_factory.mktemp("served"))
    with serve(copy, tmp_path_factory.mktemp("prefect")) as started:
        yield started


def test_what_is_deployed_twice_is_there_once(server: Server) -> None:
    automations = [(one["name"], one["trigger"]["id"]) for one in server.ask("automations/filter", {})]
    again = server.run("satiety", "deploy")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "pipeline/daily" in again.stdout
    names = [one["name"] for one in server.ask("deployments/filter", {})]
    assert sorted(names) == ["batch", "daily", "gpu", "hourly", "monthly", "weekly"]
    assert sorted(one["name"] for one in server.ask("work_pools/filter", {})) == ["gpu", "satiety"]
    assert [(one["name"], one["trigger"]["id"]) for one in server.ask("automations/filter", {})] == automations
    ours = {"satiety: end runs whose process died", "satiety: retrain on harmful drift"}
    assert {name for name, _ in automations} == ours
    limits = server.ask("v2/concurrency_limits/filter", {})
    assert [limit["limit"] for limit in limits if limit["name"] == "gpu"] == [1]
    crons = {
        one["name"]: [schedule["schedule"]["cron"] for schedule in one["schedules"]]
        for one in server.ask("deployments/filter", {})
    }
    assert crons.pop("gpu") == crons.pop("batch") == []
    assert crons == {"daily": ["0 3 * * *"], "hourly": ["0 * * * *"], "weekly": ["0 4 * * 0"], "monthly": ["0 5 1 * *"]}


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_run_started_from_the_page_completes_and_shows_what_came_of_it(server: Server) -> None:
    with server.worker(), page() as open_page:
        open_page.goto(f"{server.url}/deployments/deployment/{server.deployment()}")
        run = quick_run(open_page)
        assert server.ended(run) == "COMPLETED"
        open_page.goto(f"{server.url}/runs/flow-run/{run}?tab=Artifacts")
        open_page.get_by_text("pipeline", exact=True).first.wait_for()
        artifacts = server.ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
        open_page.goto(f"{server.url}/artifacts/artifact/{artifact(artifacts, 'pipeline')['id']}")
        open_page.get_by_text("frozen test examples").first.wait_for()
    assert "MLflow" in artifact(artifacts, "pipeline")["data"]
    assert '"this run": "cached"' in artifact(artifacts, "stages")["data"]
    assert {"worth", "levers"} < {one["key"] for one in artifacts}


def quick_run(page: Any) -> str:
    """Ask for a run as people do, and return its id; again where the page moved under the click or the server was busy.

    Prefect's sqlite is locked now and then, and the page then shows an error, from which people click again.
    """
    from playwright.sync_api import TimeoutError as Timeout

    for _ in range(3):
        page.get_by_role("button", name="Run", exact=True).click()
        try:
            with page.expect_response(lambda answer: "create_flow_run" in answer.url, timeout=20_000) as asked:
                page.get_by_text("Quick run").click()
            if asked.value.ok:
                return str(asked.value.json()["id"])
        except Timeout:
            pass
        page.reload()
    raise AssertionError("the page starts nothing")


def artifact(found: list[dict[str, Any]], key: str) -> dict[str, Any]:
    (one,) = (artifact for artifact in found if artifact["key"] == key)
    return one


@contextmanager
def page() -> Iterator[Any]:
    """Open a page of a Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        found = browser.new_page(viewport={"width": 1500, "height": 1000})
        found.set_default_timeout(1000 * PATIENCE)
        yield found
        browser.close()


def test_scheduled_runs_start_by_themselves(server: Server) -> None:
    deployments = ("pipeline/daily", "monitor/hourly")
    for deployment in deployments:
        server.soon(deployment, 15)
    with server.worker():
        wait_until(lambda: all(map(server.fired, deployments)), every=0.5)
        assert server.ended(server.fired("pipeline/daily")[0]) == "COMPLETED"
        assert server.ended(server.fired("monitor/hourly")[0]) == "COMPLETED"


HUNDRED_AND_ONE = """
import sys, time
from pathlib import Path
from flows.events import HARMFUL, emit
here, there = map(Path, sys.argv[1:])
for number in range(100):
    emit(HARMFUL, here, {"number": number})
    time.sleep(0.02)  # all at once lock a server's sqlite
emit(HARMFUL, there, {"说明": "有害漂移"})
"""


def test_harmful_drift_starts_retraining_once_where_it_is(server: Server, tmp_path: Path) -> None:
    here, there = server.project.root, settle(server.project, tmp_path / "那里")
    ask(there.root, seed=6)
    before = there.checkout()
    process = server.run("python", "-c", HUNDRED_AND_ONE, str(here), str(there.root))
    assert process.returncode == 0, process.stderr
    wait_until(
        lambda: [event for event in server.events(HARMFUL) if event["payload"].get("说明") == "有害漂移"], every=0.5
    )
    wait_until(lambda: len(server.caused()) == 2, every=0.5)
    caused = {run["parameters"]["workspace"]: run for run in server.caused()}
    first, other = caused[str(here)], caused[str(there.root)]

    with server.worker():
        assert server.ended(first["id"]) == "COMPLETED"
        assert server.ended(other["id"]) == "COMPLETED"
    assert len(server.caused()) == 2
    assert first["deployment_id"] == server.deployment("retrain/weekly")
    assert first["parameters"]["reason"].startswith("harmful drift, event ")
    assert "not retrained: 0 new labels" in server.ask(f"flow_runs/{first['id']}")["state"]["message"]
    assert there.last()["decision"] in ("promoted", "kept")
    assert there.checkout() == before


def test_a_file_is_answered(server: Server, tmp_path: Path) -> None:
    file, out = tmp_path / "问.txt", tmp_path / "answers.jsonl"
    file.write_text("a good film\n酒店很好\n", encoding="utf-8")
    with server.worker():
        run = server.start("predict/batch", file=str(file), output=str(out))
        assert server.ended(run) == "COMPLETED"
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["a good film", "酒店很好"]
    assert all(row["id"] for row in rows), "they are on record"


def test_a_run_that_fails_is_told(server: Server, tmp_path: Path) -> None:
    with web() as hook, server.worker(SATIETY_ALERTS=f"json://127.0.0.1:{hook.port}/"):
        run = server.start(workspace=str(tmp_path))
        assert server.ended(run) == "FAILED"
        wait_until(lambda: hook.came, every=0.5)
    (told,) = hook.came
    assert told["type"] == "warning"
    for words in ("flow: pipeline", f"{tmp_path}: no params.yaml", f"/flow-run/{run}"):
        assert words in told["message"]


def test_training_can_be_sent_to_another_pool(server: Server) -> None:
    with server.worker(), server.worker("gpu"):
        run = server.start(gpu_pool="gpu", overrides=["finetune.seed=99"])
        assert server.ended(run) == "COMPLETED"
    sent = {one["name"]: one for one in server.runs() if one["work_pool_name"] == "gpu"}
    assert {name: one["state_type"] for name, one in sent.items()} == {"pretrain": "COMPLETED", "finetune": "COMPLETED"}
    assert [one["name"] for one in server.ask("task_runs/filter", {}) if one["flow_run_id"] == sent["finetune"]["id"]]


@pytest.fixture
def training(server: Server) -> Callable[[], tuple[str, int]]:
    """Start an endless run; give its id and the process of its fine-tuning, once that is at work."""
    lock = server.project.root / ".satiety/finetune.lock"

    def start() -> tuple[str, int]:
        lock.unlink(missing_ok=True)
        run = server.start(overrides=ENDLESS)
        wait_until(lambda: lock.exists() and lock.read_text().strip().isdigit(), every=0.5)
        return run, int(lock.read_text())

    return start


def test_a_killed_worker_takes_its_run_with_it(server: Server, training: Callable[[], tuple[str, int]]) -> None:
    """The run ends as crashed, nothing goes on behind its back, and params.yaml is the user's again.

    A machine under load may end the flow before it has put the file back; then `satiety check` does.
    """
    params = (server.project.root / "params.yaml").read_bytes()
    with server.worker() as worker:
        run, stage = training()
        assert (server.project.root / "params.yaml").read_bytes() != params
        flow = children(worker.pid)
        kill(worker.pid)
        assert server.ended(run) == "CRASHED"
    wait_until(lambda: not any(map(alive, [stage, *flow])), every=0.5)
    assert server.project.run("satiety", "check").returncode == 0
    assert (server.project.root / "params.yaml").read_bytes() == params


def test_a_run_whose_machine_died_does_not_stay_running(
    server: Server, training: Callable[[], tuple[str, int]]
) -> None:
    """Worker and flow die at once, so nobody is left to say so; the automation does. Then the next run completes."""
    params = (server.project.root / "params.yaml").read_bytes()
    with server.worker() as worker:
        run, stage = training()
        flow = children(worker.pid)
        assert flow
        kill(worker.pid, *flow)
    assert server.state(run) == "RUNNING"
    wait_until(lambda: not alive(stage), every=0.5)
    assert server.ended(run) == "CRASHED"
    with server.worker():
        assert server.ended(server.start()) == "COMPLETED"
    assert (server.project.root / "params.yaml").read_bytes() == params
    assert server.project.run("satiety", "verify").returncode == 0


def test_overrides_become_an_experiment_and_leave_the_file_alone(server: Server) -> None:
    root = server.project.root
    params = (root / "params.yaml").read_bytes()
    code = "from flows.pipeline import pipeline; pipeline(overrides=['evaluate.seed=77'])"
    process = server.run("python", "-c", code)
    assert process.returncode == 0, process.stdout + process.stderr
    assert (root / "params.yaml").read_bytes() == params
    newest = server.runs()[0]["name"]
    shown = server.run("dvc", "exp", "show", "--csv").stdout
    assert newest in shown, shown
    head, *rows = [line.split(",") for line in shown.splitlines()]
    assert "evaluate.seed" in head
    (ours,) = (row for row in rows if newest in row)
    assert "!" not in ours[head.index("after.value")]
    ended = {
        one["name"]: one["state_name"]
        for one in server.ask("task_runs/filter", {})
        if one["flow_run_id"] == server.runs()[0]["id"]
    }
    assert ended["ingest"] == "Cached"
    refused = server.run("python", "-c", code.replace("=77", "=x"))
    assert refused.returncode
    assert "overrides: evaluate.seed: Input should be a valid integer" in refused.stderr + refused.stdout
