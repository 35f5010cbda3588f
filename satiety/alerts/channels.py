"""Settings -> the ways out that are set up. What is wrong with them is told without what is secret in them."""

import re
import socket
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import unquote, urlsplit

from satiety.alerts.alert import Letter
from satiety.alerts.mail import Mail
from satiety.alerts.webhook import Webhook
from satiety.errors import SetupError
from satiety.settings import Settings

_PLACE = r"(?:\[[0-9a-f:]+\]|(?:[\w-]{1,63}\.)*[\w-]{1,63})(?::(?P<port>\d{1,5}))?"
_WORD = r"(?:(?![:/?#\[\]@])[!-~])+"
WEBHOOK = re.compile(rf"https?://{_PLACE}(?:[/?][!-~]*)?", re.ASCII | re.IGNORECASE)
SMTP = re.compile(rf"smtps?://(?:{_WORD}:{_WORD}@)?{_PLACE}/?", re.ASCII | re.IGNORECASE)
ADDRESS = re.compile(r"[!-~]+@[\w.-]+", re.ASCII)
PORTS = {"smtp": 25, "smtps": 465}


class Channel(Protocol):
    """A way out."""

    def deliver(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            RefusedError: the receiver is there, and does not want this one.
            OSError, http.client.HTTPException: it could not be handed over.
        """


def channels(settings: Settings) -> dict[str, Channel]:
    """Return the channels that are set up, by name.

    Raises:
        SetupError: settings that cannot work, all of them at once.
    """
    if problems := list(_problems(settings)):
        raise SetupError("; ".join(problems))
    found: dict[str, Channel] = {}
    if settings.alert_webhook:
        found["webhook"] = Webhook(settings.alert_webhook)
    if settings.alert_mail_to and settings.smtp:
        found["mail"] = _mail(settings.smtp, _split(settings.alert_mail_to), settings.alert_mail_from)
    return found


def _problems(settings: Settings) -> Iterator[str]:
    if settings.alert_webhook and not _fits(WEBHOOK, settings.alert_webhook):
        yield "SATIETY_ALERT_WEBHOOK: it is no address like https://host/path (it is secret, and not shown)"
    if settings.smtp and not _fits(SMTP, settings.smtp):
        yield (
            "SATIETY_SMTP: it is none of smtp://host:25, smtp://user:password@host:587, smtps://user:password@host:465 "
            "(it is secret, and not shown); in user and password, write @ as %40 and others that stand for something so"
        )
    if wrong := [one for one in _split(settings.alert_mail_to) if not ADDRESS.fullmatch(one)]:
        yield f"SATIETY_ALERT_MAIL_TO: {wrong[0]!r} is no mail address; put commas between several"
    if settings.alert_mail_from and not ADDRESS.fullmatch(settings.alert_mail_from):
        yield f"SATIETY_ALERT_MAIL_FROM: {settings.alert_mail_from!r} is no mail address"
    if settings.alert_mail_to and not settings.smtp:
        yield "SATIETY_ALERT_MAIL_TO: no server is named that takes mail; set SATIETY_SMTP to smtp://host:25"


def _fits(pattern: re.Pattern[str], url: str) -> bool:
    found = pattern.fullmatch(url)
    return bool(found and int(found["port"] or 1) in range(1, 2**16) and unquote(url).isascii())


def _split(addresses: str | None) -> tuple[str, ...]:
    return tuple(one for one in map(str.strip, (addresses or "").split(",")) if one)


def _mail(url: str, to: tuple[str, ...], sender: str | None) -> Mail:
    parts = urlsplit(url)
    login = (unquote(parts.username), unquote(parts.password)) if parts.username and parts.password else None
    known = login[0] if login and ADDRESS.fullmatch(login[0]) else f"satiety@{socket.gethostname()}"
    port = parts.port or PORTS[parts.scheme]
    return Mail(to, sender or known, str(parts.hostname), port, parts.scheme == "smtps", login)
