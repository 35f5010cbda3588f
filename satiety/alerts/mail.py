"""A letter -> a mail. TLS where the server has it; a password never without."""

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from satiety.alerts.alert import Letter, RefusedError

log = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds that the server has for each answer."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
PERMANENT = 500
"""Answers from here on mean that asking again is of no use."""


@dataclass(frozen=True, slots=True)
class Mail:
    """Somebody who reads mail, and the server that takes it."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    tls: bool
    """Whether from the first byte on; else as soon as the server offers it."""
    login: tuple[str, str] | None = field(repr=False)
    """User and password."""

    def deliver(self, letter: Letter) -> None:
        with self._client() as client:
            try:
                refused = client.send_message(_message(self, letter), self.sender, self.to)
            except smtplib.SMTPDataError as error:
                if error.smtp_code < PERMANENT:
                    raise
                raise RefusedError(f"SMTP {error.smtp_code}") from None
        if refused:  # the others have it: it counts as delivered
            log.warning("mail: %d of %d recipients are refused by the server", len(refused), len(self.to))

    @contextmanager
    def _client(self) -> Iterator[smtplib.SMTP]:
        client = self._connected()
        try:
            if not self.tls:
                self._encrypt(client)
            if self.login:
                client.login(*self.login)
            yield client
            with suppress(smtplib.SMTPException):  # it has the mail; how it parts is no matter
                client.quit()
        finally:
            client.close()

    def _connected(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)

    def _encrypt(self, client: smtplib.SMTP) -> None:
        client.ehlo()
        if self.host in LOOPBACK and not self.login:
            return  # a relay of this machine has seldom a certificate that holds, and nobody sits between
        if client.has_extn("starttls"):
            client.starttls(context=ssl.create_default_context())
        elif self.login:
            raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and without that no password is sent")


def _message(mail: Mail, letter: Letter) -> EmailMessage:
    """Return the mail; its id is the letter's, so that one that comes twice can be told."""
    message = EmailMessage()
    message["Subject"] = letter.heading
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Message-ID"] = f"<{letter.id}@satiety>"
    message["Date"] = letter.when
    message["Auto-Submitted"] = "auto-generated"  # no "out of office", please
    facts = "\n".join(f"{name}: {value}" for name, value in letter.alert.facts.items())
    message.set_content(f"{letter.body}\n\n{facts}".rstrip() + "\n", cte="quoted-printable")
    return message
