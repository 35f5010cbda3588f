"""A page that changes -> an address on this machine where it can be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from satiety.core.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = "127.0.0.1"
NAMES = (HERE, "localhost")
"""By which a browser of this machine may ask: another name in `Host` is a foreign page that would read along."""
PORTS = range(2**16)


@contextmanager
def serving(page: Callable[[], str], port: int) -> Iterator[str]:
    """Serve what ``page`` returns whenever it is asked, on loopback only; give the address.

    Args:
        page: called from other threads.
        port: 0 takes a free one.

    Raises:
        SetupError: the port is taken, or there is no such one.
    """
    if port not in PORTS:
        raise SetupError(f"port {port} of {HERE}: ports are 0 to {PORTS[-1]}; choose another")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers.get("Host", "").rpartition(":")[0] in NAMES and self.path == "/"
            body = page().encode() if is_known else b"not found\n"
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Type", f"text/{'html' if is_known else 'plain'}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a page that asks every second is no news."""

    try:
        server = ThreadingHTTPServer((HERE, port), Handler)
    except OSError as error:
        raise SetupError(f"port {port} of {HERE}: {error.strerror}; choose another") from None
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HERE}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
