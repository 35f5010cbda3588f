"""A Prefect server for the year, on loopback: started once, where each flow would start one of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from examples.year.project_copy import PDEATHSIG
from satiety.core.errors import SetupError

PATIENCE = 180.0
"""Seconds to wait for the server."""


@contextmanager
def prefect(home: Path) -> Iterator[dict[str, str]]:
    """Let a server run within the block; yield the variables by which flows find it.

    Raises:
        SetupError: it ends, or does not answer in time.
    """
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    url, environment = f"http://127.0.0.1:{port}/api", {"PREFECT_HOME": str(home)}
    supervisor = [*PDEATHSIG, str(os.getpid())]  # ends the server if this process is killed
    command = [*supervisor, sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
        try:
            _wait(url, process, home)
            yield environment | {"PREFECT_API_URL": url}
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310  # our own address
            return
        time.sleep(0.5)
    raise SetupError(f"{home / 'server.log'}: the Prefect server did not come up; that file says why")
