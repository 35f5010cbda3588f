"""Retraining killed in every stage, and left by its server: the champion stays, and the next run completes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.pipeline.project import Project
from tests.pipeline.retraining import Retraining, ask, settle
from tests.pipeline.server import Server, alive, kill, serve, wait

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("pipeline")]

STAGES = ("ingest", "validate", "augment", "retrieve", "pretrain", "finetune", "evaluate", "register", "promote")
"""In the order in which they end: each kill leaves those before in DVC's cache, and itself to be done again."""


@pytest.fixture(scope="module")
def retraining(committed: Project, tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    made = settle(committed, tmp_path_factory.mktemp("killed"))
    ask(made.root, seed=3)
    return made


def caught(retraining: Retraining, flow: subprocess.Popen[str], stage: str) -> int:
    """Wait until a stage is at work; return its process."""
    deadline = time.monotonic() + 200
    while (lock := retraining.lock(stage)) is None:
        assert flow.poll() is None, flow.stdout and flow.stdout.read()
        assert time.monotonic() < deadline, stage
        time.sleep(0.005)
    return int(lock.read_text())


@pytest.mark.parametrize("victim", ["flow", "stage"])
@pytest.mark.parametrize("stage", STAGES)
def test_whatever_is_killed_the_champion_stays_and_nothing_lives_on(
    retraining: Retraining, stage: str, victim: str
) -> None:
    if (stage, victim) == ("retrieve", "flow"):
        ask(retraining.root, seed=4)  # it ran beside `augment`, so that it would be found done
    before, champion = retraining.checkout(), retraining.champion()
    assert champion
    with retraining.start() as flow:
        worker = caught(retraining, flow, stage)
        below = psutil.Process(flow.pid).children(recursive=True)
        os.kill({"flow": flow.pid, "stage": worker}[victim], signal.SIGKILL)
        said, _ = flow.communicate(timeout=120)
    assert flow.returncode == (-signal.SIGKILL if victim == "flow" else 1), said
    wait(lambda: not any(alive(process.pid) for process in below), 60)
    assert (retraining.checkout(), retraining.champion()) == (before, champion)


def test_a_server_that_dies_in_the_middle_leaves_the_champion(retraining: Retraining, tmp_path: Path) -> None:
    ask(retraining.root, seed=5)  # so that there is something to learn
    before, champion = retraining.checkout(), retraining.champion()
    with serve(retraining.project, tmp_path) as server:
        with retraining.start(**server.environment(), PREFECT_CLIENT_MAX_RETRIES="1") as flow:
            caught(retraining, flow, "finetune")
            below = psutil.Process(flow.pid).children(recursive=True)
            kill(*(process.pid for process in processes(server)))
            said, _ = flow.communicate(timeout=300)
        assert flow.returncode == 1, said
    wait(lambda: not any(alive(process.pid) for process in below), 60)
    assert (retraining.checkout(), retraining.champion()) == (before, champion)
    with serve(retraining.project, tmp_path) as server:  # who is back says of the run what became of it
        wait(lambda: server.runs()[0]["state_type"] == "CRASHED", 240)


def processes(server: Server) -> list[psutil.Process]:
    """Return those of a server."""
    port = server.url.rpartition(":")[2]
    found = next(one for one in psutil.Process().children() if port in one.cmdline())
    return [found, *found.children(recursive=True)]


def test_the_next_run_completes_and_no_run_is_left_running(retraining: Retraining) -> None:
    before = retraining.checkout()
    code, said = retraining.run()
    assert code == 0, said
    assert retraining.last()["decision"] in ("promoted", "kept")
    assert retraining.checkout() == before
    assert (retraining.running(), retraining.flowing()) == (0, 0)
