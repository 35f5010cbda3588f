"""How long a test waits for an event: long enough for slow machines, at no cost if the event comes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 900
"""Seconds."""
ENDLESS = 60
"""Seconds of CPU time of this process in which a task of one second must end, however busy the machine is."""


def wait_until(condition: Callable[[], object], explain: Callable[[], str] | None = None, every: float = 0.02) -> None:
    """Wait until a condition holds, checking it at an interval in seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, explain() if explain else "it took too long"
        time.sleep(every)


@contextmanager
def at_once() -> Iterator[None]:
    """Fail if the block needs much CPU time, as with exponential backtracking."""
    start = time.process_time()
    yield
    assert time.process_time() - start < ENDLESS
