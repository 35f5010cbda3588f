"""Alerts, and the notifications that services receive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """Severity of an alert; a higher one is sent again."""

    RESOLVED = 0
    """The incident is over."""
    NOTICE = 1
    WARNING = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """State of one incident. It is sent to external services, so it must not contain personal data."""

    key: str
    """Identifies the incident."""
    severity: Severity
    subject: str
    text: str
    link: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and names, JSON-serialisable."""


@dataclass(frozen=True, slots=True)
class Notification:
    """An alert for one channel."""

    id: str
    """Constant over all attempts."""
    channel: str
    timestamp: float
    """Time of the alert, in seconds since 1970."""
    alert: Alert

    @property
    def raised_time(self) -> datetime:
        """Time of the alert, to the second."""
        return datetime.fromtimestamp(int(self.timestamp), UTC)

    @property
    def heading(self) -> str:
        """Severity and subject on one line."""
        return f"[{self.alert.severity.name.lower()}] {' '.join(self.alert.subject.split())}"

    @property
    def body(self) -> str:
        """Text, link, time and facts."""
        facts = "\n".join(f"{name}: {value}" for name, value in self.alert.facts.items())
        raised = f"Raised at {self.raised_time.isoformat()}."
        return "\n\n".join(filter(None, [self.alert.text, self.alert.link, raised, facts]))
