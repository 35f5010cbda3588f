"""A letter -> a POST of JSON. The address is secret: no message repeats it."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from satiety.alerts.alert import Letter, RefusedError

TIMEOUT = 10.0
"""Seconds that the receiver has for each answer."""
UNFIT = {400, 413, 422}
"""Answers that mean this very content; others may mean the address, or the moment."""


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows nowhere: urllib would GET what it is sent to, and a page answers 200 to that."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Takes `text`, which Slack, Mattermost and their like show, and the rest for programs."""

    url: str = field(repr=False)

    def deliver(self, letter: Letter) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "satiety"}
        body = json.dumps(_content(letter), ensure_ascii=False).encode()
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310  # http or https: that was checked
        try:
            with urllib.request.build_opener(_Straight).open(request, timeout=TIMEOUT):
                pass
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in UNFIT:
                raise RefusedError(f"HTTP {error.code}") from None
            raise


def _content(letter: Letter) -> dict[str, Any]:
    alert = letter.alert
    return {
        "text": f"*{letter.heading}*\n{letter.body}",
        "id": letter.id,
        "time": letter.when.isoformat(),
        "key": alert.key,
        "severity": alert.severity.name.lower(),
        "subject": alert.subject,
        "link": alert.link,
        "facts": dict(alert.facts),
    }
