"""Leftover processes of a service are found and ended, even nested, stubborn or orphaned ones; others stay."""

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

STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); "
    "print('ready', flush=True); time.sleep(60)"
)
"""A process that ignores SIGTERM, with a child in its own session."""


@pytest.fixture
def stubborn_process(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, MARK: str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        for leftover in processes.find_processes(tmp_path):
            leftover.kill()


@pytest.mark.usefixtures("stubborn_process")
def test_end_all_ends_every_process_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 1)
    members = processes.find_processes(tmp_path)
    assert len(members) == 2
    processes.end_all(tmp_path)
    assert processes.find_processes(tmp_path) == []
    assert not [process for process in members if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_an_orphan_is_found(tmp_path: Path, stubborn_process: "subprocess.Popen[str]") -> None:
    stubborn_process.kill()
    stubborn_process.wait()
    assert len(processes.find_processes(tmp_path)) == 1


@pytest.mark.usefixtures("stubborn_process")
def test_processes_of_other_projects_and_services_are_not_found(tmp_path: Path) -> None:
    assert processes.find_processes(tmp_path.parent) == []
    assert processes.find_processes(tmp_path, SATIETY_SERVICE="worker") == []
    assert processes.find_processes(tmp_path, PATH="") != []


def test_a_service_that_ran_for_a_while_is_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "STEADY", 1)
    steady = Service("any", [["true"], ["sh", "-c", "echo ready; sleep 2"]], {}).to_shell()
    with subprocess.Popen(["sh", "-c", steady], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["ready\n", f"{services.ENDED}\n", "ready\n"]
        os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM


def test_a_service_that_fails_at_once_is_not_restarted() -> None:
    fails = Service("any", [["true"], ["false"]], {}).to_shell()
    process = subprocess.run(["sh", "-c", fails], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert process.stdout == ""
