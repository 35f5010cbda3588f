"""A command -> its lines in the run's log as they come, and what it ended with. None outlives the flow."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from prefect import get_run_logger

from satiety.errors import SatietyError

LAST = 20
"""Lines of output that an error repeats, at most."""
PASSING = (
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
    def passing(self) -> bool:
        """Whether trying again may help."""
        return any(sign in str(self) for sign in PASSING)


def execute(what: str, command: Sequence[str], surroundings: Mapping[str, str]) -> str:
    """Run a command; return all it said.

    Raises:
        StageError: it ended with another code than 0.
    """
    log, said, last = get_run_logger(), [], deque[str](maxlen=LAST)
    leash = [sys.executable, "-m", "tasks.leash", str(os.getpid()), *command]
    with subprocess.Popen(
        leash, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(surroundings)
    ) as process:
        _running.add(process)
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        for line in filter(None, map(str.rstrip, process.stdout)):
            if line.lstrip().startswith(HINTS):
                continue
            log.info(line)
            said.append(line)
            last.append(line)
    _running.discard(process)
    if process.returncode:
        raise StageError(f"stage {what} ended with code {process.returncode}; its last lines:\n" + "\n".join(last))
    return "\n".join(said)


def stop() -> None:
    """End every command that still runs: a stage at work writes its checkpoint first."""
    for process in list(_running):
        process.terminate()
