"""Processes of a flow: commands whose output goes to the run's log, none of which outlives the flow.

    python -m flows.commands PID SERVER        ends the process SERVER once its parent PID is gone

Prefect ends a run's temporary server at exit, but not after a kill. That process does, so it imports little.
"""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path

import psutil

from satiety.core.errors import SatietyError, SetupError
from satiety.core.section import PARAMS_FILE
from tasks.pdeathsig import end_with_parent

LAST = 20
"""Maximum number of output lines in an error message."""
TRANSIENT = (
    f"exited with {os.EX_TEMPFAIL}",
    f"ended with code {os.EX_TEMPFAIL}",
    "Unable to acquire lock",
    "is busy, it is being blocked by",
    "database is locked",
)
"""Phrases in the last lines of output after which a retry may succeed: a service was down, or a resource was locked."""
HINTS = (
    "To track the changes with git",
    "git add ",
    "To enable auto staging",
    "dvc config core.autostage",
    "Use `dvc push`",
)
"""Prefixes of DVC's hints for interactive use, which are left out of the log."""
BY_WORKER = "PREFECT__FLOW_RUN_ID"
"""Environment variable that is set in a run started by a worker."""
SERVER = "prefect.server.api.server:create_app"
"""Part of the command line of a temporary Prefect server."""
PAUSE = 0.5
"""Seconds between two checks of the parent process."""
_running: set["subprocess.Popen[str]"] = set()
_watched_pids = set[int]()


class StageError(SatietyError):
    """A stage failed. The message names it and repeats its last lines of output."""

    @property
    def is_transient(self) -> bool:
        """Whether a retry may succeed."""
        return any(sign in str(self) for sign in TRANSIENT)


def execute(stage: str, command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command, log its lines as they come, and return its output.

    Raises:
        StageError: the exit code is not 0.
    """
    from prefect import get_run_logger

    log, lines, tail = get_run_logger(), [], deque[str](maxlen=LAST)
    child_command = [sys.executable, "-m", "tasks.pdeathsig", str(os.getpid()), *command]
    with subprocess.Popen(
        child_command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(environment)
    ) as process:
        _running.add(process)
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        for line in filter(None, map(str.rstrip, process.stdout)):
            if line.lstrip().startswith(HINTS):
                continue
            log.info(line)
            lines.append(line)
            tail.append(line)
    _running.discard(process)
    if process.returncode:
        raise StageError(f"stage {stage} ended with code {process.returncode}; its last lines:\n" + "\n".join(tail))
    return "\n".join(lines)


@contextmanager
def enter_workspace(workspace: str) -> Iterator[None]:
    """Change to the folder of a params.yaml within the block; end with the worker, and end all commands on an error.

    Raises:
        SetupError: the folder has no params.yaml.
    """
    if BY_WORKER in os.environ:
        end_with_parent()
    _watch_server()
    try:
        if not Path(workspace, PARAMS_FILE).is_file():
            path = Path(workspace).absolute()
            raise SetupError(f"workspace: {path}: no {PARAMS_FILE}; set it to a folder that has one")
        with chdir(workspace):
            yield
    except BaseException:
        for process in list(_running):
            process.terminate()  # a running stage writes its checkpoint first
        raise


def _watch_server() -> None:
    """Start a process that ends this run's temporary server, if there is one, when the run has ended."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.pid not in _watched_pids and SERVER in child.cmdline():
                _watched_pids.add(child.pid)
                command = [sys.executable, "-m", "flows.commands", str(os.getpid()), str(child.pid)]
                file_actions = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
                # In its own process group, out of reach of Ctrl-C; it is never waited for.
                os.posix_spawn(sys.executable, command, os.environ, file_actions=file_actions, setpgroup=0)


def main() -> None:
    """Wait until the parent process is gone, then end the server if it still runs."""
    parent = int(sys.argv[1])
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(int(sys.argv[2]))
        while os.getppid() == parent and server.is_running():
            time.sleep(PAUSE)
        server.terminate()


if __name__ == "__main__":
    main()
