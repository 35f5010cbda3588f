"""Prefect's view of DVC: the stages in order, and a task that runs one and logs its lines live."""

import os
import subprocess
import sys
import sysconfig
from collections import deque
from pathlib import Path

from prefect import get_run_logger, task

from satiety.errors import SatietyError, SetupError
from satiety.section import read_yaml

LAST = 20
"""Lines of output that an error repeats, at most."""


class StageError(SatietyError):
    """A stage ended badly. Says which, with the last lines it wrote."""


def stages() -> list[str]:
    """Return the stages of dvc.yaml in file order, which is run order.

    Raises:
        SetupError: there is no dvc.yaml here.
    """
    if not Path("dvc.yaml").is_file():
        raise SetupError(f"{Path.cwd()}: holds no dvc.yaml; run from the project's root, or `satiety workspace` first")
    return list(read_yaml(Path("dvc.yaml"))["stages"])


@task(persist_result=False)
def reproduce(stage: str) -> None:
    """Run one stage, if anything it depends on changed: that DVC decides, and DVC keeps what it made."""
    execute(stage, ["dvc", "--wait-for-lock", "repro", "--single-item", stage])


@task(persist_result=False)
def promote() -> None:
    """Compare the challenger with the champion, and move the alias where the evidence says so."""
    execute("promote", [sys.executable, "-m", "tasks.promote"])


def execute(what: str, command: list[str]) -> None:
    """Run a command with the environment's programs on PATH, its lines in the run's log as they come.

    Raises:
        StageError: it ended with another code than 0.
    """
    log, last = get_run_logger(), deque[str](maxlen=LAST)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_surroundings()
    ) as process:
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        for line in map(str.rstrip, process.stdout):
            if line:
                log.info(line)
                last.append(line)
    if process.returncode:
        raise StageError(f"stage {what} ended with code {process.returncode}; its last lines:\n" + "\n".join(last))


def _surroundings() -> dict[str, str]:
    """DVC runs `python` by name, so the environment's own must be the first that is found."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
