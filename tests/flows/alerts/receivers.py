"""Receivers of alerts on loopback: a web server that takes POSTs, and a mail server with TLS and a login."""

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass
class Receiver:
    """The answers of a server and the contents it received."""

    answer: int
    """HTTP status, or SMTP code after a mail's data."""
    tls: ssl.SSLContext | None = None
    """If set, a mail server offers STARTTLS, and then a login."""
    wrapped: bool = False
    """Whether it uses TLS from the first byte instead."""
    unwanted: str | None = None
    """A text that a title must not contain; otherwise the answer is 413."""
    port: int = 0
    tries: int = 0
    received: list[Any] = field(default_factory=list)
    """Contents of POSTs, or mails."""
    logins: list[str] = field(default_factory=list)

    def take(self, content: Any) -> int:
        self.tries += 1
        if self.unwanted and self.unwanted in content["title"]:
            return 413
        if self.answer < 300:
            self.received.append(content)
        return self.answer


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    receiver: Receiver

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that hang up: they do not trust the certificate, or were killed."""


@contextmanager
def serve_web(port: int = 0, answer: int = 200) -> Iterator[Receiver]:
    """Take POSTs of JSON within the block."""
    with _serve(_Web, port, Receiver(answer)) as receiver:
        yield receiver


@contextmanager
def serve_mailbox(answer: int = 250, **options: Any) -> Iterator[Receiver]:
    """Take mails within the block."""
    with _serve(_Smtp, 0, Receiver(answer, **options)) as receiver:
        yield receiver


@contextmanager
def _serve(handler: Any, port: int, receiver: Receiver) -> Iterator[Receiver]:
    with _Server(("127.0.0.1", port), handler) as server:
        server.receiver, receiver.port = receiver, server.server_address[1]
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


class _Web(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        answer = receiver.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(answer)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """Answer a client that follows a redirection."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


class _Smtp(socketserver.StreamRequestHandler):
    server: _Server
    ANSWERS = ("MAIL 250 ok", "RCPT 250 ok", "RSET 250 ok", "QUIT 221 bye")

    def handle(self) -> None:
        if self.server.receiver.wrapped:
            self.wrap()
        self.say("220 here")
        while line := self.rfile.readline().decode("ascii").strip():
            verb = line[:4].upper()
            answers = {answer[:4]: answer[5:] for answer in self.ANSWERS}
            self.say(answers[verb]) if verb in answers else getattr(self, f"on_{verb.lower()}")(line)
            if verb == "QUIT":
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server does not know the TLS socket

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def wrap(self) -> None:
        assert self.server.receiver.tls
        self.request = self.server.receiver.tls.wrap_socket(self.request, server_side=True)
        self.setup()

    def on_ehlo(self, _: str) -> None:
        offers = ["AUTH PLAIN"] if isinstance(self.request, ssl.SSLSocket) else []
        offers += ["STARTTLS"] if self.server.receiver.tls and not offers else []
        self.say(*(f"250-{offer}" for offer in ["here", *offers]), "250 PIPELINING")

    def on_star(self, _: str) -> None:
        self.say("220 go on")
        self.wrap()

    def on_auth(self, line: str) -> None:
        login = base64.b64decode(line.rsplit(maxsplit=1)[-1]).decode()
        self.server.receiver.logins.append(login)
        self.say("235 welcome" if login == "\0me@example.org\0s3cr/t" else "535 who?")

    def on_data(self, _: str) -> None:
        self.say("354 go on")
        mail = b"".join(line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n"))
        mail = mail.replace(b"\r\n", b"\n")
        self.server.receiver.take(message_from_bytes(mail, EmailMessage, policy=policy.default))
        self.say(f"{self.server.receiver.answer} so be it")
