"""The processes of a project's services: found by what they inherited, ended gently at first.

Each carries the project's root in its environment, and so does what it starts: whatever dies first, and however it
dies, the rest is found.
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
"""Seconds that processes get to end before they are killed."""
ROUNDS = 3
"""How often what is left is looked for: a process may start another while it ends."""


def find_processes(root: Path, **variables: str) -> list[psutil.Process]:
    """Return the processes of this project's services but this one.

    Args:
        root: the project's.
        variables: variables they must have, "" for any value.
    """
    processes = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:  # another user's, or gone meanwhile
            continue
        is_match = all(name in environment and value in ("", environment[name]) for name, value in variables.items())
        if environment.get(MARK) == str(root) and is_match and process.pid != os.getpid():
            processes.append(process)
    return processes


def end(processes: Iterable[psutil.Process]) -> None:
    """End these processes; kill those that do not want to."""
    remaining = list(processes)
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for process in remaining:
            try:
                stop(process)
            except psutil.NoSuchProcess:
                continue
        _, remaining = psutil.wait_procs(remaining, timeout=PATIENCE)


def end_all(root: Path) -> None:
    """End every process of the services, and what they start meanwhile."""
    for _ in range(ROUNDS):
        end(find_processes(root))
