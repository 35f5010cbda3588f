"""Retraining is killed in every stage, or loses its server: the champion stays, and the next run completes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.patience import PATIENCE, wait_until
from tests.pipeline.project import Project
from tests.pipeline.retraining import NAME, Retraining, copy_project, record_traffic
from tests.pipeline.server import Server, alive, kill, serve

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("killed")]

STAGES = ("ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate", "register", "promote")


@pytest.fixture
def retraining(committed_project: Project, tmp_path: Path) -> Retraining:
    copy = copy_project(committed_project, tmp_path)
    record_traffic(copy.root, seed=3)
    return copy


def wait_for_stage(retraining: Retraining, flow: subprocess.Popen[str], stage: str) -> int:
    """Wait until a stage is running; return its process id."""
    deadline = time.monotonic() + PATIENCE
    while (lock := retraining.find_running_stage(stage)) is None:
        assert flow.poll() is None, flow.stdout and flow.stdout.read()
        assert time.monotonic() < deadline, stage
        time.sleep(0.005)
    return int(lock.read_text())


def assert_next_run_completes(retraining: Retraining) -> None:
    """Run again: it decides, and no run is left marked as running."""
    snapshot = retraining.take_snapshot()
    code, output = retraining.run()
    assert code == 0, output
    assert retraining.read_last_decision()["decision"] in ("promoted", "kept")
    assert retraining.take_snapshot() == snapshot
    assert (retraining.count_running_runs(), retraining.count_running_flows()) == (0, 0)


@pytest.mark.parametrize("victim", ["flow", "stage"])
@pytest.mark.parametrize("stage", STAGES)
def test_after_a_kill_the_champion_stays_and_no_process_is_left(
    retraining: Retraining, stage: str, victim: str
) -> None:
    snapshot, champions = retraining.take_snapshot(), retraining.find_champions()
    assert champions
    with retraining.start() as flow:
        worker = wait_for_stage(retraining, flow, stage)
        children = psutil.Process(flow.pid).children(recursive=True)
        os.kill({"flow": flow.pid, "stage": worker}[victim], signal.SIGKILL)
        output, _ = flow.communicate(timeout=PATIENCE)
    assert flow.returncode == (-signal.SIGKILL if victim == "flow" else 1), output
    wait_until(lambda: not any(alive(process.pid) for process in children), every=0.5)
    assert (retraining.take_snapshot(), retraining.find_champions()) == (snapshot, champions)
    assert_next_run_completes(retraining)


KILL_ONCE = """
import importlib.util, os, signal, sys

class Finder:
    \"\"\"Kills the first promotion after the alias has moved and before the report is written.\"\"\"

    def find_spec(self, name, path=None, target=None):
        if name != "tasks.history" or not os.path.exists(os.environ["ONCE"]):
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            apply_move = module.apply_move

            def apply_and_die(*arguments):
                apply_move(*arguments)
                os.unlink(os.environ["ONCE"])
                os.kill(os.getpid(), signal.SIGKILL)

            module.apply_move = apply_and_die

        spec.loader.exec_module = exec_module
        return spec

if "tasks.promote" in sys.orig_argv:
    sys.meta_path.insert(0, Finder())
"""


def test_a_promotion_killed_after_the_alias_moved_is_reported_by_the_next_run(
    committed_project: Project, tmp_path: Path
) -> None:
    retraining = copy_project(committed_project, tmp_path)
    record_traffic(retraining.root, seed=3)
    with sqlite3.connect(retraining.root / "mlflow.db") as store:
        store.execute("delete from registered_model_aliases where alias = 'champion'")  # a good model is promoted
    (tmp_path / "code").mkdir()
    (tmp_path / "code/sitecustomize.py").write_text(KILL_ONCE)
    (tmp_path / "once").touch()
    path = os.pathsep.join([str(tmp_path / "code"), retraining.environment["PYTHONPATH"]])
    with retraining.start(PYTHONPATH=path, ONCE=str(tmp_path / "once")) as flow:
        output, _ = flow.communicate(timeout=PATIENCE)
    assert (flow.returncode, (tmp_path / "once").exists()) == (1, False), output
    ((_, version),) = retraining.find_champions()
    assert not (retraining.root / ".satiety/retrain/last.json").exists()
    code, output = retraining.run()
    assert code == 0, output
    assert retraining.find_champions() == [(NAME, version)], "the champion changed"
    decision = retraining.read_last_decision()
    assert decision["decision"] == "promoted", output
    assert "the untuned model (there is no champion yet)" in decision["decision_reason"]
    assert decision["not_merged_because"] == "retrain.merge is false"


def test_the_champion_stays_if_the_server_dies(retraining: Retraining, tmp_path: Path) -> None:
    snapshot, champions = retraining.take_snapshot(), retraining.find_champions()
    with serve(retraining.project, tmp_path) as server:
        with retraining.start(**server.build_environment(), PREFECT_CLIENT_MAX_RETRIES="1") as flow:
            wait_for_stage(retraining, flow, "finetune")
            children = psutil.Process(flow.pid).children(recursive=True)
            kill(*(process.pid for process in list_processes(server)))
            output, _ = flow.communicate(timeout=PATIENCE)
        assert flow.returncode == 1, output
    wait_until(lambda: not any(alive(process.pid) for process in children), every=0.5)
    assert (retraining.take_snapshot(), retraining.find_champions()) == (snapshot, champions)
    with serve(retraining.project, tmp_path) as server:  # the restarted server marks the run
        wait_until(lambda: server.list_runs()[0]["state_type"] == "CRASHED", every=0.5)
    assert_next_run_completes(retraining)


def list_processes(server: Server) -> list[psutil.Process]:
    """Return the processes of a server."""
    port = server.url.rpartition(":")[2]
    root = next(child for child in psutil.Process().children() if port in child.cmdline())
    return [root, *root.children(recursive=True)]
