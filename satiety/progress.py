"""How far long work is: a bar on a terminal, and now and then a line in the log where there is none."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from operator import length_hint
from typing import TypeVar

T = TypeVar("T")
EVERY = 15.0
"""Seconds between two lines of a log."""
log = logging.getLogger("satiety.progress")


def track(items: Iterable[T], what: str, total: int | None = None, *, done: int = 0) -> Iterator[T]:
    """Yield the items; show how many went by, the ``done`` before them included, out of ``total`` where it is known.

    What has a length need not say its total.
    """
    total = total or length_hint(items) or None
    if not sys.stderr.isatty():
        yield from _told(items, what, total, done)
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=what, total=total, initial=done, leave=False, dynamic_ncols=True)


def _told(items: Iterable[T], what: str, total: int | None, done: int) -> Iterator[T]:
    of, last = f" of {total:,}" if total else "", time.monotonic()
    for count, item in enumerate(items, start=done):
        if (now := time.monotonic()) - last >= EVERY:
            log.info("%s: %s%s", what, f"{count:,}", of)
            last = now
        yield item
