"""Jobs go to other processes as JSON and outcomes come back as they end; an error ends all workers."""

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from satiety.core.executor import Job, processes
from tests.patience import PATIENCE, wait_until


def double(job: Job) -> int:
    return int(job["number"]) * 2


def describe_worker(_: Job) -> tuple[int, str]:
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def wait_or_fail(job: Job) -> None:
    """Create the file and wait; or, given a reason, wait for the file and raise."""
    sign = Path(job["sign"])
    if "why" in job:
        wait_until(sign.exists)
        raise ZeroDivisionError(job["why"])
    sign.touch()
    time.sleep(PATIENCE)


def test_every_job_has_its_result() -> None:
    with processes(2) as executor:
        assert dict(executor.map(double, ({"number": i} for i in range(5)))) == {i: 2 * i for i in range(5)}
        assert list(executor.map(double, [])) == []


def test_workers_have_one_thread_and_this_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with processes(1) as executor:
        ((_, (process, threads)),) = executor.map(describe_worker, [{}])
    assert (process != os.getpid(), threads, os.environ["OMP_NUM_THREADS"]) == (True, "1", "7")


def test_job_that_is_no_json_is_refused() -> None:
    with processes(1) as executor, pytest.raises(TypeError, match="not JSON serializable"):
        list(executor.map(double, [{"number": object()}]))


def test_an_error_of_a_job_is_raised_and_ends_the_others_at_once(tmp_path: Path) -> None:
    earlier_children, sign = set(psutil.Process().children()), tmp_path / "begun"
    with pytest.raises(ZeroDivisionError, match="by nothing"), processes(2) as executor:
        list(executor.map(wait_or_fail, [{"sign": str(sign)}, {"sign": str(sign), "why": "by nothing"}]))
    assert not psutil.wait_procs(find_workers(earlier_children), timeout=PATIENCE)[1]


def find_workers(earlier_children: set[psutil.Process]) -> list[psutil.Process]:
    """Return the new child processes of this one that are workers of a pool and still run."""
    worker_processes = []
    for child in set(psutil.Process().children()) - earlier_children:
        with suppress(psutil.Error):
            worker_processes += [child] if "spawn_main" in " ".join(child.cmdline()) else []
    return worker_processes
