"""Send an alert, and what waits from before, one process at a time. A service that is down stops nobody."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_chain, wait_fixed

from flows.alerts.alert import Alert, Notification, Severity
from flows.alerts.outbox import Outbox
from flows.alerts.services import load_services
from satiety.core.errors import SetupError
from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE, prepare_state

FOLDER = STATE / "alerts"
"""In the project's root."""
PAUSES = (1.0, 4.0)
"""Seconds between two tries to hand a letter over."""
MAX_FAILURES = 2
"""Letters that a service did not take, after which it is tried no more: one alone may be the letter's fault."""
PATIENCE = 60.0
"""Seconds after which no other letter is begun; it waits for the next alert."""
LEVELS = {
    Severity.RESOLVED: logging.INFO,
    Severity.NOTICE: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.ERROR,
}


class Channel(Protocol):
    """A way out."""

    def deliver(self, notification: Notification) -> bool:
        """Hand a letter over; return whether it was taken."""


AnyLogger = logging.Logger | logging.LoggerAdapter[Any]
default_log = logging.getLogger(__name__)


def check() -> None:
    """Look at the settings, before there is something to say.

    Raises:
        SetupError: settings that cannot work, all of them at once.
    """
    load_services(Settings())


def send(alert: Alert, log: AnyLogger = default_log) -> None:
    """Tell of a matter, wherever this is news: it is new, worse than when last told, over, or long not told of.

    Args:
        alert: the matter as it stands; ``RESOLVED`` where it is no more, which is told where it was told that it was.
        log: where alerts, and what is wrong with a channel, are written; a flow gives its run's.

    Raises:
        SetupError: settings that cannot work, all of them at once.
    """
    settings = Settings()
    channels: dict[str, Channel] = dict(load_services(settings))
    channels["log"] = _LogChannel(log)
    folder = project_root() / FOLDER
    with _hold_lock(folder, log):
        outbox = Outbox(folder / "outbox.json")
        outbox.post(alert, channels, settings.alert_quiet, time.time())
        _deliver_pending(outbox, channels, log)


class _LogChannel:
    """The channel that is always there."""

    def __init__(self, log: AnyLogger) -> None:
        self._log = log

    def deliver(self, notification: Notification) -> bool:
        self._log.log(LEVELS[notification.alert.severity], "%s\n%s", notification.heading, notification.body)
        return True


def _deliver_pending(outbox: Outbox, channels: Mapping[str, Channel], log: AnyLogger) -> None:
    """Hand over what waits, of each service in order; of one that takes neither of two letters, no more."""
    deadline = time.monotonic() + PATIENCE
    for name in sorted(channels, key=lambda name: name != "log"):
        failures = 0
        for notification in [notification for notification in outbox.pending if notification.channel == name]:
            if failures == MAX_FAILURES or time.monotonic() > deadline:
                break
            if _try_delivery(channels[name], notification, () if failures else PAUSES):
                outbox.remove(notification)
            else:
                failures += 1
                log.error("%s: an alert is not delivered yet, the next takes it along: %s", name, notification.heading)


def _try_delivery(channel: Channel, notification: Notification, pauses: Sequence[float]) -> bool:
    """Hand a letter over, again after each pause if need be; return whether it was taken."""
    retrying = Retrying(
        retry=retry_if_result(lambda is_accepted: not is_accepted),
        wait=wait_chain(*map(wait_fixed, pauses or [0])),
        stop=stop_after_attempt(len(pauses) + 1),
        retry_error_callback=lambda _: False,
    )
    return bool(retrying(channel.deliver, notification))


@contextmanager
def _hold_lock(folder: Path, log: AnyLogger) -> Iterator[None]:
    """Wait until no other process sends; the kernel lets go of the lock of one that dies."""
    try:
        prepare_state(project_root())
        folder.mkdir(exist_ok=True)
        lock = FileLock(folder / "lock").acquire()
    except (SetupError, OSError) as error:
        log.error("%s: alerts may be sent twice: %s", folder, error)
        yield
        return
    with lock:
        yield
