"""Find and end the processes of a project's services.

Each process inherits the project's root in its environment, so orphans are found too.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from cli.services import MARK
from satiety.core.errors import SetupError

try:
    import psutil
except ImportError:
    raise SetupError("the services are not installed: pip install 'satiety[pipeline]'") from None

PATIENCE = 10
"""Seconds from SIGTERM to SIGKILL."""
ROUNDS = 3
"""Number of searches, since a process may start another while it ends."""


def find_processes(root: Path, **variables: str) -> list[psutil.Process]:
    """Return the processes of a project's services, except this one.

    Args:
        root: root of the project.
        variables: required environment variables; "" matches any value.
    """
    processes = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:  # of another user, or ended
            continue
        is_match = all(name in environment and value in ("", environment[name]) for name, value in variables.items())
        if environment.get(MARK) == str(root) and is_match and process.pid != os.getpid():
            processes.append(process)
    return processes


def end(processes: Iterable[psutil.Process]) -> None:
    """Terminate processes; kill those that are still running after `PATIENCE`."""
    remaining = list(processes)
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for process in remaining:
            try:
                stop(process)
            except psutil.NoSuchProcess:
                continue
        _, remaining = psutil.wait_procs(remaining, timeout=PATIENCE)


def end_all(root: Path) -> None:
    """End every process of the services, including those started meanwhile."""
    for _ in range(ROUNDS):
        end(find_processes(root))
