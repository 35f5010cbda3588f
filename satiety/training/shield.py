"""Hold SIGTERM and Ctrl-C back while weights change or files are written, so that a checkpoint is never half a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def shielded() -> Iterator[None]:
    """Deliver a signal that comes within the block when the block is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda caught, _: held.append(caught)) for number in signals}
    try:
        yield
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler or signal.SIG_DFL)
        for number in held[:1]:
            signal.raise_signal(number)
