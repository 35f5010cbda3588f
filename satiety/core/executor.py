"""Run jobs in parallel and yield their results as they finish.

A job is JSON (paths and params, never live objects), so it can run in another process or on another machine. Data that
jobs share is in files named by the jobs; a worker reads each file once.
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
"""Anything that ``json.dumps`` accepts."""
Work = Callable[[Job], Any]
"""A module-level function, so that workers can import it; its result must be picklable."""


class Executor(Protocol):
    """Runs jobs."""

    def map(self, work: Work, jobs: Iterable[Job]) -> Iterator[tuple[int, Any]]:
        """Yield (index of the job, result) as jobs finish; raise the first error of a job."""


class ProcessExecutor:
    """Runs jobs in single-threaded processes on this machine. See `processes`."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def map(self, work: Work, jobs: Iterable[Job]) -> Iterator[tuple[int, Any]]:
        """Yield (index of the job, result) as jobs finish.

        Raises:
            TypeError: a job cannot be written as JSON.
        """
        futures: dict[Future[Any], int] = {}
        for index, job in enumerate(jobs):
            futures[self._pool.submit(_run, work, json.dumps(job))] = index
        for future in as_completed(futures):
            yield futures[future], future.result()


@contextmanager
def processes(count: int) -> Iterator[ProcessExecutor]:
    """Start single-threaded worker processes. They end with this process, and immediately on an exception or Ctrl-C."""
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
