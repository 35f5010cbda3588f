"""Run a command that receives SIGTERM when its parent process dies, even by SIGKILL.

    python -m tasks.pdeathsig PID COMMAND …        PID is the parent process

Without this, a killed flow or `dvc` leaves orphaned stages that write to the files of the next run.
"""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
"""Linux's number of this option, from <sys/prctl.h>."""


def end_with_parent() -> None:
    """Have the Linux kernel send SIGTERM when the parent process dies; do nothing on other systems."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def watch_parent(grace_period: float) -> None:
    """Send SIGTERM ``grace_period`` seconds after the parent's death; exit after as many again.

    The kernel's signal can be lost: a library may catch the exception of its handler, and other systems send none.
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
    """Bind this process to its parent, then execute the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    end_with_parent()
    if os.getppid() != parent:
        sys.exit(f"{command[0]}: not started, the parent process {parent} has ended")
    os.execvp(command[0], command)  # noqa: S606  # no shell: arguments are passed unchanged


if __name__ == "__main__":
    main()
