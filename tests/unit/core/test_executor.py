"""Jobs go to other processes as JSON and come back as they end; an error ends all."""

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


def whose(_: Job) -> tuple[int, str]:
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def either(job: Job) -> None:
    """Wait, once the sign is given; or give an error, once the other waits."""
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


def test_work_is_done_elsewhere_on_one_thread_and_this_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with processes(1) as executor:
        ((_, (process, threads)),) = executor.map(whose, [{}])
    assert (process != os.getpid(), threads, os.environ["OMP_NUM_THREADS"]) == (True, "1", "7")


def test_a_live_object_is_no_job() -> None:
    with processes(1) as executor, pytest.raises(TypeError, match="not JSON serializable"):
        list(executor.map(double, [{"number": object()}]))


def test_an_error_of_a_job_is_raised_and_ends_the_others_at_once(tmp_path: Path) -> None:
    before, sign = set(psutil.Process().children()), tmp_path / "begun"
    with pytest.raises(ZeroDivisionError, match="by nothing"), processes(2) as executor:
        list(executor.map(either, [{"sign": str(sign)}, {"sign": str(sign), "why": "by nothing"}]))
    assert not psutil.wait_procs(workers(before), timeout=PATIENCE)[1]


def workers(others: set[psutil.Process]) -> list[psutil.Process]:
    """Return the processes of a pool that this one has, beside others; what has ended is none."""
    worker_ids = []
    for child in set(psutil.Process().children()) - others:
        with suppress(psutil.Error):
            worker_ids += [child] if "spawn_main" in " ".join(child.cmdline()) else []
    return worker_ids
