"""Send an alert, and what waits from before, one process at a time. A receiver that is down stops nobody."""

import fcntl
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from satiety.alerts.alert import Alert, Letter, RefusedError, Severity
from satiety.alerts.channels import Channel, channels
from satiety.alerts.outbox import Outbox
from satiety.errors import SetupError
from satiety.settings import Settings, project_root
from satiety.state import STATE, prepare_state

FOLDER = STATE / "alerts"
"""In the project's root."""
PAUSES = (1.0, 4.0)
"""Seconds between two tries to hand a letter over."""
PATIENCE = 60.0
"""Seconds after which no other letter is begun; it waits for the next alert."""
LEVELS = {
    Severity.RESOLVED: logging.INFO,
    Severity.NOTICE: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.ERROR,
}
Log = logging.Logger | logging.LoggerAdapter[Any]
here = logging.getLogger(__name__)


def check() -> None:
    """Look at the settings, before there is something to say.

    Raises:
        SetupError: settings that cannot work, all of them at once.
    """
    channels(Settings())


def send(alert: Alert, log: Log = here) -> None:
    """Tell of a matter, wherever this is news: it is new, worse than when last told, over, or long not told of.

    Args:
        alert: the matter as it stands; ``RESOLVED`` where it is no more, which is told where it was told that it was.
        log: where alerts, and what is wrong with a channel, are written; a flow gives its run's.

    Raises:
        SetupError: settings that cannot work, all of them at once.
    """
    settings = Settings()
    ways = channels(settings) | {"log": _Log(log)}
    folder = project_root() / FOLDER
    with _alone(folder, log):
        outbox = Outbox(folder / "outbox.json")
        outbox.post(alert, ways, settings.alert_quiet, time.time())
        _deliver(outbox, ways, log)


class _Log:
    """The channel that is always there."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def deliver(self, letter: Letter) -> None:
        self._log.log(LEVELS[letter.alert.severity], "%s\n%s", letter.heading, letter.body)


def _deliver(outbox: Outbox, ways: Mapping[str, Channel], log: Log) -> None:
    """Hand over what waits, of each channel in order, and of one that does not answer no more."""
    end = time.monotonic() + PATIENCE
    for name in sorted(ways, key=lambda name: name != "log"):
        for letter in [one for one in outbox.letters if one.channel == name]:
            if time.monotonic() > end:
                break
            try:
                _try(ways[name], letter)
            except RefusedError as error:
                log.error("%s refuses an alert, which is kept and tried again: %s", name, error)
                continue
            except (OSError, HTTPException) as error:
                log.error("%s: an alert is not delivered yet, the next takes it along: %s", name, error)
                break
            outbox.delivered(letter)


def _try(way: Channel, letter: Letter) -> None:
    """Hand a letter over, at the third try if need be."""
    for pause in PAUSES:
        try:
            return way.deliver(letter)
        except (OSError, HTTPException):
            time.sleep(pause)
    return way.deliver(letter)


@contextmanager
def _alone(folder: Path, log: Log) -> Iterator[None]:
    """Wait until no other process sends; the kernel lets go of the lock of one that dies."""
    try:
        prepare_state(project_root())
        folder.mkdir(exist_ok=True)
        lock = (folder / "lock").open("a")
    except (SetupError, OSError) as error:
        log.error("%s: alerts may be sent twice: %s", folder, error)
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
