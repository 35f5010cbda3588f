"""Retraining killed in every stage, and left by its server: the champion stays, and the next run completes."""

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
from tests.pipeline.retraining import NAME, Retraining, ask, settle
from tests.pipeline.server import Server, alive, kill, serve

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("pipeline")]

STAGES = ("ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate", "register", "promote")


@pytest.fixture
def retraining(committed: Project, tmp_path: Path) -> Retraining:
    made = settle(committed, tmp_path)
    ask(made.root, seed=3)
    return made


def caught(retraining: Retraining, flow: subprocess.Popen[str], stage: str) -> int:
    """Wait until a stage is at work; return its process."""
    latest = time.monotonic() + PATIENCE
    while (lock := retraining.lock(stage)) is None:
        assert flow.poll() is None, flow.stdout and flow.stdout.read()
        assert time.monotonic() < latest, stage
        time.sleep(0.005)
    return int(lock.read_text())


def complete(retraining: Retraining) -> None:
    """Run again: it decides, and no run is left that is said to be running."""
    before = retraining.checkout()
    code, said = retraining.run()
    assert code == 0, said
    assert retraining.last()["decision"] in ("promoted", "kept")
    assert retraining.checkout() == before
    assert (retraining.running(), retraining.flowing()) == (0, 0)


@pytest.mark.parametrize("victim", ["flow", "stage"])
@pytest.mark.parametrize("stage", STAGES)
def test_whatever_is_killed_the_champion_stays_and_nothing_lives_on(
    retraining: Retraining, stage: str, victim: str
) -> None:
    before, champion = retraining.checkout(), retraining.champion()
    assert champion
    with retraining.start() as flow:
        worker = caught(retraining, flow, stage)
        below = psutil.Process(flow.pid).children(recursive=True)
        os.kill({"flow": flow.pid, "stage": worker}[victim], signal.SIGKILL)
        said, _ = flow.communicate(timeout=PATIENCE)
    assert flow.returncode == (-signal.SIGKILL if victim == "flow" else 1), said
    wait_until(lambda: not any(alive(process.pid) for process in below), every=0.5)
    assert (retraining.checkout(), retraining.champion()) == (before, champion)
    complete(retraining)


ONCE = """
import importlib.util, os, signal, sys

class Finder:
    \"\"\"Lets the first promotion end once the alias has moved: before anybody is told.\"\"\"

    def find_spec(self, name, path=None, target=None):
        if name != "tasks.history" or not os.path.exists(os.environ["ONCE"]):
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            real = module.move

            def move(*words):
                real(*words)
                os.unlink(os.environ["ONCE"])
                os.kill(os.getpid(), signal.SIGKILL)

            module.move = move

        spec.loader.exec_module = exec_module
        return spec

if "tasks.promote" in sys.orig_argv:
    sys.meta_path.insert(0, Finder())
"""


def test_a_promotion_killed_after_the_alias_moved_is_noted_as_one_by_the_next_run(
    committed: Project, tmp_path: Path
) -> None:
    cut = settle(committed, tmp_path)
    ask(cut.root, seed=3)
    with sqlite3.connect(cut.root / "mlflow.db") as store:
        store.execute("delete from registered_model_aliases where alias = 'champion'")  # so that any good one is
    (tmp_path / "code").mkdir()
    (tmp_path / "code/sitecustomize.py").write_text(ONCE)
    (tmp_path / "once").touch()
    path = os.pathsep.join([str(tmp_path / "code"), cut.environment["PYTHONPATH"]])
    with cut.start(PYTHONPATH=path, ONCE=str(tmp_path / "once")) as flow:
        said, _ = flow.communicate(timeout=PATIENCE)
    assert (flow.returncode, (tmp_path / "once").exists()) == (1, False), said
    ((_, version),) = cut.champion()
    assert not (cut.root / ".satiety/retrain/last.json").exists()
    code, said = cut.run()
    assert code == 0, said
    assert cut.champion() == [(NAME, version)], "it is the same model"
    note = cut.last()
    assert note["decision"] == "promoted", said
    assert "the untuned model (there is no champion yet)" in note["because"]
    assert note["left"] == "retrain.merge is false"


def test_a_server_that_dies_in_the_middle_leaves_the_champion(retraining: Retraining, tmp_path: Path) -> None:
    before, champion = retraining.checkout(), retraining.champion()
    with serve(retraining.project, tmp_path) as server:
        with retraining.start(**server.environment(), PREFECT_CLIENT_MAX_RETRIES="1") as flow:
            caught(retraining, flow, "finetune")
            below = psutil.Process(flow.pid).children(recursive=True)
            kill(*(process.pid for process in processes(server)))
            said, _ = flow.communicate(timeout=PATIENCE)
        assert flow.returncode == 1, said
    wait_until(lambda: not any(alive(process.pid) for process in below), every=0.5)
    assert (retraining.checkout(), retraining.champion()) == (before, champion)
    with serve(retraining.project, tmp_path) as server:  # who is back says of the run what became of it
        wait_until(lambda: server.runs()[0]["state_type"] == "CRASHED", every=0.5)
    complete(retraining)


def processes(server: Server) -> list[psutil.Process]:
    """Return those of a server."""
    port = server.url.rpartition(":")[2]
    found = next(one for one in psutil.Process().children() if port in one.cmdline())
    return [found, *found.children(recursive=True)]
