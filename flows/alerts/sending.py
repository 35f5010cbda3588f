"""Send an alert and all queued notifications; a service that is down delays no other."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_chain, wait_fixed

from flows.alerts.alert import Alert, Notification, Severity
from flows.alerts.queue import AlertQueue
from flows.alerts.services import load_services
from satiety.core.errors import SetupError
from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE, prepare_state

FOLDER = STATE / "alerts"
"""Folder of the queue, relative to the project's root."""
PAUSES = (1.0, 4.0)
"""Seconds between attempts to deliver a notification."""
MAX_FAILURES = 2
"""Failed notifications after which a service is skipped; a single failure may be due to the notification."""
PATIENCE = 60.0
"""Seconds after which the remaining notifications stay queued for the next alert."""
LEVELS = {
    Severity.RESOLVED: logging.INFO,
    Severity.NOTICE: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.ERROR,
}


class Channel(Protocol):
    """Receiver of notifications."""

    def deliver(self, notification: Notification) -> bool:
        """Deliver a notification; return whether it was accepted."""


AnyLogger = logging.Logger | logging.LoggerAdapter[Any]
default_log = logging.getLogger(__name__)


def check() -> None:
    """Validate the settings of alerts.

    Raises:
        SetupError: lists all invalid settings.
    """
    load_services(Settings())


def send(alert: Alert, log: AnyLogger = default_log) -> None:
    """Send an alert to each channel for which it is new, more severe, resolved or due for a repeat.

    Args:
        alert: current state of the incident; ``RESOLVED`` is sent to channels that received an alert before.
        log: logger for alerts and failed deliveries; a flow passes that of its run.

    Raises:
        SetupError: lists all invalid settings.
    """
    settings = Settings()
    channels: dict[str, Channel] = dict(load_services(settings))
    channels["log"] = _LogChannel(log)
    folder = project_root() / FOLDER
    with _hold_lock(folder, log):
        queue = AlertQueue(folder / "queue.json")
        queue.post(alert, channels, settings.alert_quiet, time.time())
        _deliver_pending(queue, channels, log)


class _LogChannel:
    """Channel that writes to the log; always configured."""

    def __init__(self, log: AnyLogger) -> None:
        self._log = log

    def deliver(self, notification: Notification) -> bool:
        self._log.log(LEVELS[notification.alert.severity], "%s\n%s", notification.heading, notification.body)
        return True


def _deliver_pending(queue: AlertQueue, channels: Mapping[str, Channel], log: AnyLogger) -> None:
    """Deliver queued notifications in order; skip a channel after `MAX_FAILURES` failures."""
    deadline = time.monotonic() + PATIENCE
    for name in sorted(channels, key=lambda name: name != "log"):
        failures = 0
        for notification in [notification for notification in queue.pending if notification.channel == name]:
            if failures == MAX_FAILURES or time.monotonic() > deadline:
                break
            if _try_delivery(channels[name], notification, () if failures else PAUSES):
                queue.remove(notification)
            else:
                failures += 1
                log.error("%s: alert not delivered, retried with the next alert: %s", name, notification.heading)


def _try_delivery(channel: Channel, notification: Notification, pauses: Sequence[float]) -> bool:
    """Deliver a notification, with a retry after each pause; return whether it was accepted."""
    retrying = Retrying(
        retry=retry_if_result(lambda is_accepted: not is_accepted),
        wait=wait_chain(*map(wait_fixed, pauses or [0])),
        stop=stop_after_attempt(len(pauses) + 1),
        retry_error_callback=lambda _: False,
    )
    return bool(retrying(channel.deliver, notification))


@contextmanager
def _hold_lock(folder: Path, log: AnyLogger) -> Iterator[None]:
    """Wait until no other process sends alerts; the kernel releases the lock of a process that dies."""
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
