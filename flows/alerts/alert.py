"""What is sent, and what is read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """How bad it is. Of one matter, that it has become worse is news."""

    RESOLVED = 0
    """It is over."""
    NOTICE = 1
    WARNING = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """One matter, as it stands. It leaves the house: no personal data in it."""

    key: str
    """Names the matter: alerts of one key are about the same."""
    severity: Severity
    subject: str
    text: str
    link: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and names that go with it: whatever JSON can hold."""


@dataclass(frozen=True, slots=True)
class Notification:
    """An alert on its way to one channel."""

    id: str
    """The same at every try."""
    channel: str
    at: float
    """When it was raised, in seconds since 1970."""
    alert: Alert

    @property
    def raised_time(self) -> datetime:
        """When it was raised, to the second."""
        return datetime.fromtimestamp(int(self.at), UTC)

    @property
    def heading(self) -> str:
        """How bad it is, and the subject, in one line."""
        return f"[{self.alert.severity.name.lower()}] {' '.join(self.alert.subject.split())}"

    @property
    def body(self) -> str:
        """The text, where to look, when it was so, and the facts."""
        facts = "\n".join(f"{name}: {value}" for name, value in self.alert.facts.items())
        raised = f"Raised at {self.raised_time.isoformat()}."
        return "\n\n".join(filter(None, [self.alert.text, self.alert.link, raised, facts]))
