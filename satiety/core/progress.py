"""Progress of long work: a bar on a terminal, or a log line every few seconds without one."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from operator import length_hint
from typing import TypeVar

T = TypeVar("T")
LOG_SECONDS = 15.0
"""Seconds between two log lines."""
log = logging.getLogger("satiety.core.progress")


def track(iterable: Iterable[T], description: str, total: int | None = None, *, initial: int = 0) -> Iterator[T]:
    """Yield the items and show how many are done, counting from ``initial``; ``total`` defaults to their length."""
    total = total or length_hint(iterable) or None
    if not sys.stderr.isatty():
        yield from _log_progress(iterable, description, total, initial)
        return
    from tqdm import tqdm

    yield from tqdm(iterable, desc=description, total=total, initial=initial, leave=False, dynamic_ncols=True)


def _log_progress(iterable: Iterable[T], description: str, total: int | None, initial: int) -> Iterator[T]:
    suffix, last = f" of {total:,}" if total else "", time.monotonic()
    for count, element in enumerate(iterable, start=initial):
        if (clock := time.monotonic()) - last >= LOG_SECONDS:
            log.info("%s: %s%s", description, f"{count:,}", suffix)
            last = clock
        yield element
