"""The services of a project, side by side under honcho, until one of them ends: then all end.

Started by `satiety up` in the project's root, as a process of its own: python -m cli.runner
"""

import fcntl
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from honcho.manager import Manager

from cli.processes import end_all
from cli.services import ALONE, LOGS, RUNNER, list_services
from satiety.core.services import LOCK

STOP_CODES = (128 + signal.SIGINT, 128 + signal.SIGTERM)
"""What honcho returns where it was told to end."""


class Logs:
    """honcho's printer, with a file a member: what it writes, and of the runner what became of all."""

    width = 0
    """honcho widens its column of names; files need none."""
    first: str | None = None
    """What honcho said of the member that ended first."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._files = {name: (folder / f"{name}.log").open("w", buffering=1, encoding="utf-8") for name in names}

    def write(self, message: Any) -> None:
        """Append a line of a member, or a word of honcho's own."""
        if isinstance(message.data, bytes):
            self._files[message.name].write(f"{message.data.decode('utf-8', 'replace').rstrip()}\n")
            return
        self.log(message.data.rstrip())
        if " stopped (" in message.data and self.first is None:
            self.first = message.data.rstrip()

    def log(self, words: str) -> None:
        """Append a line to the runner's own log."""
        self._files[RUNNER].write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {words}\n")


def main() -> int:
    """Run the members; return 0 where `satiety down` ended them, 1 where one of them ended by itself."""
    root = Path.cwd()
    with (root / LOCK).open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # not flock, which the members' parents would inherit
        members = list_services(root)
        logs = Logs(root / LOGS, [RUNNER, *(service.name for service in members)])
        manager = Manager(logs)
        for service in members:
            manager.add_process(service.name, service.to_shell(), env=dict(service.environment), cwd=str(root))
        manager.loop()
        end_all(root)  # flow runs that a worker left behind
        if manager.returncode in STOP_CODES:
            logs.log("ended, as asked")
            return 0
        logs.log(f"{logs.first}: {ALONE}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
