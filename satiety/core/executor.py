"""Jobs -> their results, as they end, worked off side by side.

A job is plain JSON: paths and params, never a live object, so that it can be sent to a process or to another machine.
What many jobs share lies in files that they name; whoever works them off reads it once.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Protocol

Job = Mapping[str, Any]
"""What ``json.dumps`` takes."""
Work = Callable[[Job], Any]
"""A function of a module, which every process finds by its name; what it returns is plain, too."""


class Executor(Protocol):
    """Works jobs off."""

    def map(self, work: Work, jobs: Iterable[Job]) -> Iterator[tuple[int, Any]]:
        """Yield (place of the job, its result) as jobs end; raise the first error of one."""


class ProcessExecutor:
    """An executor of this machine: processes of one thread each. See `processes`."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def map(self, work: Work, jobs: Iterable[Job]) -> Iterator[tuple[int, Any]]:
        """Yield results as jobs end.

        Raises:
            TypeError: a job is not JSON.
        """
        futures: dict[Future[Any], int] = {}
        for index, job in enumerate(jobs):
            futures[self._pool.submit(_run, work, json.dumps(job))] = index
        for future in as_completed(futures):
            yield futures[future], future.result()


@contextmanager
def processes(count: int) -> Iterator[ProcessExecutor]:
    """Start processes of one thread each. They end with this one, however it ends, and at once where it is told to."""
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(count, get_context("spawn"), _exit_with_parent, (os.getpid(),))
    try:
        yield ProcessExecutor(pool)
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        os.environ.pop("OMP_NUM_THREADS") if threads is None else os.environ.update(OMP_NUM_THREADS=threads)
    pool.shutdown()


def _exit_with_parent(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run(work: Work, job: str) -> Any:
    return work(json.loads(job))
