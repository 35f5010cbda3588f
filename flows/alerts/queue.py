"""Queue of notifications, and the last alert sent to each channel; one file, written atomically.

The history is per channel, so a channel that is added later receives every open alert.
"""

import json
import logging
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.alerts.alert import Alert, Notification, Severity
from satiety.core.errors import SetupError
from satiety.core.files import write_text
from satiety.core.state_files import rename_damaged

log = logging.getLogger(__name__)

MAX_PENDING = 500
"""Maximum number of queued notifications; the oldest are discarded with an error in the log."""
FORGET_HOURS = 90 * 24.0
"""Hours after which an incident without new alerts is deleted."""


class AlertQueue:
    """Last alert per incident and channel, and the queue. Used by one process at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.sent: dict[str, dict[str, tuple[int, float]]] = {}
        """Severity and time of the last alert, by key and channel."""
        self.pending: list[Notification] = []
        self._load()

    def post(self, alert: Alert, channels: Iterable[str], quiet_hours: float, timestamp: float) -> list[str]:
        """Queue a notification for each channel that has not been sent this state; return these channels.

        Args:
            alert: current state of the incident.
            channels: names of all configured channels.
            quiet_hours: hours before the same alert is repeated.
            timestamp: current time, in seconds since 1970.
        """
        due = [
            channel for channel in channels if self._is_news(alert, channel, timestamp - quiet_hours * 3600, timestamp)
        ]
        last_sent = self.sent.setdefault(alert.key, {})
        for channel in due:
            self.pending.append(Notification(uuid.uuid4().hex, channel, timestamp, alert))
            last_sent[channel] = (alert.severity, timestamp)
            if alert.severity is Severity.RESOLVED:
                del last_sent[channel]
        self._forget_old(timestamp)
        if due:
            self.save()
        return due

    def remove(self, notification: Notification) -> None:
        """Delete a notification from the queue and save the file."""
        self.pending.remove(notification)
        self.save()

    def save(self) -> None:
        """Write the file; an error is only logged, so that the alert is still sent."""
        content = {"sent": self.sent, "notifications": [asdict(notification) for notification in self.pending]}
        try:
            write_text(self._file, json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
        except SetupError as error:
            log.error("cannot save the queue of alerts, so some may be repeated or lost: %s", error)

    def _load(self) -> None:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            self.sent = {
                key: {name: (s, sent_at) for name, (s, sent_at) in last.items()}
                for key, last in content["sent"].items()
            }
            self.pending = [_parse_notification(entry) for entry in content["notifications"]]
        except (FileNotFoundError, NotADirectoryError):
            return
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            rename_damaged(self._file, error)

    def _is_news(self, alert: Alert, channel: str, cutoff: float, timestamp: float) -> bool:
        severity, sent_at = self.sent.get(alert.key, {}).get(channel, (None, 0.0))
        if severity is None or alert.severity is Severity.RESOLVED:
            return (severity is None) != (alert.severity is Severity.RESOLVED)
        return alert.severity > severity or not cutoff < sent_at <= timestamp  # the clock may have been set back

    def _forget_old(self, timestamp: float) -> None:
        for key, channels in list(self.sent.items()):
            recent = {channel: last for channel, last in channels.items() if timestamp - last[1] < FORGET_HOURS * 3600}
            self.sent[key] = recent
            if not recent:
                del self.sent[key]
        for notification in self.pending[:-MAX_PENDING]:
            log.error(
                "discarded, the queue is full: %s for %s: %s",
                notification.id,
                notification.channel,
                notification.heading,
            )
        self.pending = self.pending[-MAX_PENDING:]


def _parse_notification(fields: dict[str, Any]) -> Notification:
    alert = Alert(**fields["alert"] | {"severity": Severity(fields["alert"]["severity"])})
    return Notification(**fields | {"alert": alert})
