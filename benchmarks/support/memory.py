"""How much memory a process and all below it hold, sampled while something runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def memory() -> Iterator[list[int]]:
    """Sample what this process and those it starts hold, in bytes; a page that several hold is divided among them."""
    samples, stop = [0], threading.Event()

    def sample() -> None:
        while not stop.wait(0.25):
            process = psutil.Process()
            samples.append(sum(map(_bytes, [process, *process.children(recursive=True)])))

    watcher = threading.Thread(target=sample, daemon=True)
    watcher.start()
    try:
        yield samples
    finally:
        stop.set()
        watcher.join()


def _bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has ended
        return 0
