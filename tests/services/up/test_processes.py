"""What a member leaves behind is found and ended, however deep, deaf or orphaned it is; other projects' are not."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli import processes, services
from cli.services import MARK, Service
from tests.patience import PATIENCE

DEAF = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); "
    "print('ready', flush=True); time.sleep(60)"
)
"""A process that does not want to end, with a child in a session of its own."""


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, MARK: str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", DEAF], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        for left in processes.find_processes(tmp_path):
            left.kill()


@pytest.mark.usefixtures("deaf")
def test_all_of_a_project_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 1)
    found = processes.find_processes(tmp_path)
    assert len(found) == 2
    processes.end_all(tmp_path)
    assert processes.find_processes(tmp_path) == []
    assert not [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_an_orphan_is_found(tmp_path: Path, deaf: "subprocess.Popen[str]") -> None:
    deaf.kill()
    deaf.wait()
    assert len(processes.find_processes(tmp_path)) == 1


@pytest.mark.usefixtures("deaf")
def test_other_projects_and_other_members_are_left_alone(tmp_path: Path) -> None:
    assert processes.find_processes(tmp_path.parent) == []
    assert processes.find_processes(tmp_path, SATIETY_SERVICE="worker") == []
    assert processes.find_processes(tmp_path, PATH="") != []


def test_a_member_that_ran_a_while_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "STEADY", 1)
    steady = Service("any", [["true"], ["sh", "-c", "echo ready; sleep 2"]], {}).to_shell()
    with subprocess.Popen(["sh", "-c", steady], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["ready\n", f"{services.ENDED}\n", "ready\n"]
        os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM


def test_a_member_that_cannot_run_is_not_started_again() -> None:
    fails = Service("any", [["true"], ["false"]], {}).to_shell()
    process = subprocess.run(["sh", "-c", fails], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert process.stdout == ""
