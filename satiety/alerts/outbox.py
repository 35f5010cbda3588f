"""Alerts -> what is due to which channel, and what still waits: one file, on disk whole or not at all.

Each channel has a memory of its own: one that is not set up here and now misses nothing that another was sent.
"""

import json
import logging
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from satiety.alerts.alert import Alert, Letter, Severity
from satiety.damaged import put_aside
from satiety.errors import SetupError
from satiety.files import write_text

log = logging.getLogger(__name__)

WAITING = 500
"""Letters that wait at most; of more, the oldest go, and the log says so."""
FORGOTTEN = 90 * 24.0
"""Hours after which a matter that nobody raised again or resolved is forgotten."""


class Outbox:
    """What each channel was sent last of each matter, and the letters that wait. One process at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.sent: dict[str, dict[str, tuple[int, float]]] = {}
        """Of each key and channel, how bad it was and when that was said."""
        self.letters: list[Letter] = []
        self._load()

    def post(self, alert: Alert, channels: Iterable[str], quiet: float, now: float) -> list[str]:
        """Write a letter for every channel to which this is news; return these channels.

        Args:
            alert: the matter as it stands.
            channels: those that are set up.
            quiet: hours for which the same is not said again.
            now: seconds since 1970.
        """
        due = [channel for channel in channels if self._news(alert, channel, now - quiet * 3600, now)]
        told = self.sent.setdefault(alert.key, {})
        for channel in due:
            self.letters.append(Letter(uuid.uuid4().hex, channel, now, alert))
            told[channel] = (alert.severity, now)
            if alert.severity is Severity.RESOLVED:
                del told[channel]
        self._forget(now)
        if due:
            self.save()
        return due

    def delivered(self, letter: Letter) -> None:
        """Take a letter out, at once and for good."""
        self.letters.remove(letter)
        self.save()

    def save(self) -> None:
        """Write the file. An alert is worth more than the memory of it: a disk that refuses is said, no more."""
        content = {"sent": self.sent, "letters": [asdict(letter) for letter in self.letters]}
        try:
            write_text(self._file, json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
        except SetupError as error:
            log.error("alerts may be sent again, or not at all: %s", error)

    def _load(self) -> None:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            self.sent = {
                key: {name: (s, at) for name, (s, at) in last.items()} for key, last in content["sent"].items()
            }
            self.letters = [_letter(one) for one in content["letters"]]
        except (FileNotFoundError, NotADirectoryError):
            return
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            put_aside(self._file, error)

    def _news(self, alert: Alert, channel: str, since: float, now: float) -> bool:
        severity, at = self.sent.get(alert.key, {}).get(channel, (None, 0.0))
        if severity is None or alert.severity is Severity.RESOLVED:
            return (severity is None) != (alert.severity is Severity.RESOLVED)
        return alert.severity > severity or not since < at <= now  # a clock may have been set back

    def _forget(self, now: float) -> None:
        for key, channels in list(self.sent.items()):
            kept = {channel: last for channel, last in channels.items() if now - last[1] < FORGOTTEN * 3600}
            self.sent[key] = kept
            if not kept:
                del self.sent[key]
        for letter in self.letters[:-WAITING]:
            log.error("given up, for too many wait: %s for %s: %s", letter.id, letter.channel, letter.heading)
        self.letters = self.letters[-WAITING:]


def _letter(plain: dict[str, Any]) -> Letter:
    alert = Alert(**plain["alert"] | {"severity": Severity(plain["alert"]["severity"])})
    return Letter(**plain | {"alert": alert})
