"""A command that runs below this process, and ends with it in its own way."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flows.dvc import build_environment

PATIENCE = 20.0
"""Seconds that a command has after Ctrl-C, which the terminal sends to both."""


def run_child(command: Sequence[str], folder: Path) -> int:
    """Run a command in a folder; return its exit code. Where this process is told to stop, the command is told too.

    It is not killed, as `subprocess.run` does: DVC and a stage at work have files to close.
    """
    with subprocess.Popen(command, cwd=folder, env=build_environment()) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            raise
        finally:
            process.terminate()
            process.wait()
