"""Run the services of a project under honcho; if one ends, end all.

`satiety up` starts it in the project's root as a separate process: python -m cli.runner
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
"""Exit codes of honcho after a signal."""


class Logs:
    """Printer for honcho that writes one log file per service, and one for the runner."""

    width = 0
    """Column width that honcho sets; unused."""
    first: str | None = None
    """honcho's message about the first service that ended."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._files = {name: (folder / f"{name}.log").open("w", buffering=1, encoding="utf-8") for name in names}

    def write(self, message: Any) -> None:
        """Append a line of a service, or a message of honcho."""
        if isinstance(message.data, bytes):
            self._files[message.name].write(f"{message.data.decode('utf-8', 'replace').rstrip()}\n")
            return
        self.log(message.data.rstrip())
        if " stopped (" in message.data and self.first is None:
            self.first = message.data.rstrip()

    def log(self, text: str) -> None:
        """Append a line to the log of the runner."""
        self._files[RUNNER].write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}\n")


def main() -> int:
    """Run the services; return 0 after `satiety down`, 1 if a service ended by itself."""
    root = Path.cwd()
    with (root / LOCK).open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # not filelock: services would inherit its flock
        members = list_services(root)
        logs = Logs(root / LOGS, [RUNNER, *(service.name for service in members)])
        manager = Manager(logs)
        for service in members:
            manager.add_process(service.name, service.to_shell(), env=dict(service.environment), cwd=str(root))
        manager.loop()
        end_all(root)  # flow runs that a worker left behind
        if manager.returncode in STOP_CODES:
            logs.log("stopped on request")
            return 0
        logs.log(f"{logs.first}: {ALONE}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
