"""The server that Prefect starts for the time of one run -> one that ends with the run, however that ends.

    python -m flows.reaper PID SERVER        ends SERVER once PID, which starts this, is gone

Prefect ends it at exit, and nobody after a kill: it would stay, and hold its database, for good.
"""

import os
import sys
import time
from contextlib import suppress

import psutil

SERVER = "prefect.server.api.server:create_app"
"""What the command line of such a server names."""
PAUSE = 0.5
"""Seconds between two looks."""
_watched_pids = set[int]()


def start_reaper() -> None:
    """Let the server that this process has started, if any, end with it."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.pid not in _watched_pids and SERVER in child.cmdline():
                _watched_pids.add(child.pid)
                command = [sys.executable, "-m", "flows.reaper", str(os.getpid()), str(child.pid)]
                file_actions = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
                # In a group of its own, so that Ctrl-C does not reach it; nobody waits for it.
                os.posix_spawn(sys.executable, command, os.environ, file_actions=file_actions, setpgroup=0)


def main() -> None:
    """Wait until the parent is gone, then end the server, if it is still there."""
    parent = int(sys.argv[1])
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(int(sys.argv[2]))
        while os.getppid() == parent and server.is_running():
            time.sleep(PAUSE)
        server.terminate()


if __name__ == "__main__":
    main()
