"""Run a command of the project as a child process that ends with this one."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flows.dvc import build_environment, python
from satiety.core.errors import SetupError

PATIENCE = 20.0
"""Seconds that a command has to end after Ctrl-C, which the terminal sends to both processes."""


def check_project(folder: Path) -> None:
    """Raise SetupError if a folder has no dvc.yaml."""
    if not (folder / "dvc.yaml").is_file():
        raise SetupError(f"{folder}: no dvc.yaml; change to the project's root, or run `satiety workspace` first")


def run_child(command: Sequence[str], folder: Path) -> int:
    """Run a command in a folder; return its exit code. If this process is interrupted, it terminates the command.

    `subprocess.run` would kill the command, but DVC and a running stage have files to close.
    """
    child_command = python("tasks.pdeathsig", str(os.getpid()), *command)
    with subprocess.Popen(child_command, cwd=folder, env=build_environment()) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            raise
        finally:
            process.terminate()
            process.wait()
