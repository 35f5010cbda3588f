"""The processes of a project's services: found by what they inherited, ended gently at first.

Each carries the project's root in its environment, and so does what it starts: whatever dies first, and however it
dies, the rest is found.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from cli.services import MARK
from satiety.errors import SetupError

try:
    import psutil
except ImportError:
    raise SetupError("the services are not installed: pip install 'satiety[pipeline]'") from None

PATIENCE = 10
"""Seconds that processes get to end before they are killed."""
ROUNDS = 3
"""How often what is left is looked for: a process may start another while it ends."""


def members(root: Path, **wanted: str) -> list[psutil.Process]:
    """Return the processes of this project's services but this one.

    Args:
        root: the project's.
        wanted: variables they must have, "" for any value.
    """
    found = []
    for process in psutil.process_iter():
        try:
            around = process.environ()
        except psutil.Error:  # another user's, or gone meanwhile
            continue
        fits = all(name in around and value in ("", around[name]) for name, value in wanted.items())
        if around.get(MARK) == str(root) and fits and process.pid != os.getpid():
            found.append(process)
    return found


def end(processes: Iterable[psutil.Process]) -> None:
    """End these processes; kill those that do not want to."""
    some = list(processes)
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for process in some:
            try:
                stop(process)
            except psutil.NoSuchProcess:
                continue
        _, some = psutil.wait_procs(some, timeout=PATIENCE)


def end_all(root: Path) -> None:
    """End every process of the services, and what they start meanwhile."""
    for _ in range(ROUNDS):
        end(members(root))
