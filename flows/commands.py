"""A command -> its lines in the run's log as they come, and what it ended with. None outlives the flow."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from prefect import get_run_logger

from satiety.core.errors import SatietyError

LAST = 20
"""Lines of output that an error repeats, at most."""
TRANSIENT = (
    f"exited with {os.EX_TEMPFAIL}",
    f"ended with code {os.EX_TEMPFAIL}",
    "Unable to acquire lock",
    "is busy, it is being blocked by",
    "database is locked",
)
"""What the last lines say where trying again may help: something outside did not answer, or was in use."""
HINTS = (
    "To track the changes with git",
    "git add ",
    "To enable auto staging",
    "dvc config core.autostage",
    "Use `dvc push`",
)
"""How lines of DVC's begin that are meant for somebody at a terminal."""
_running: set["subprocess.Popen[str]"] = set()


class StageError(SatietyError):
    """A stage ended badly. Says which, with the last lines it wrote."""

    @property
    def is_transient(self) -> bool:
        """Whether trying again may help."""
        return any(sign in str(self) for sign in TRANSIENT)


def execute(stage: str, command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command; return all it said.

    Raises:
        StageError: it ended with another code than 0.
    """
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


def stop() -> None:
    """End every command that still runs: a stage at work writes its checkpoint first."""
    for process in list(_running):
        process.terminate()
