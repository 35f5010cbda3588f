"""How long a test waits for what must come. It costs nothing where it comes, so the slowest machine has enough."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 900
"""Seconds."""
ENDLESS = 60
"""Seconds of this process's own time, whoever else is at work, in which a thing of one second must have ended."""


def wait_until(condition: Callable[[], object], why: Callable[[], str] | None = None, every: float = 0.02) -> None:
    """Wait until something is so, and look so often, in seconds."""
    latest = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < latest, why() if why else "it took too long"
        time.sleep(every)


@contextmanager
def at_once() -> Iterator[None]:
    """Fail where the block takes long by itself, as what backtracks or counts to a billion does."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < ENDLESS
