"""A command -> the same command, which gets SIGTERM when the process that started it dies, however that dies.

    python -m tasks.pdeathsig PID COMMAND …        PID is the process that starts it

So a killed flow leaves no `dvc` behind, and a killed `dvc` no stage: an orphan would write where the next run writes.
"""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
"""Linux's number of this request, as in <sys/prctl.h>."""


def end_with_parent() -> None:
    """Let the kernel stop this process when the one that started it dies; where there is no such kernel, do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def watch_parent(grace_period: float) -> None:
    """Ask again, after ``grace_period`` seconds, when the parent died and this process did not; after as many, end it.

    What the kernel sends can be lost: libraries swallow what a signal's handler raises, and other systems send nothing.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        time.sleep(grace_period)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_period)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Bind this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    end_with_parent()
    if os.getppid() != parent:
        sys.exit(f"{command[0]}: the process that asked for it is gone")
    os.execvp(command[0], command)  # noqa: S606  # no shell: the words are passed on as they are


if __name__ == "__main__":
    main()
