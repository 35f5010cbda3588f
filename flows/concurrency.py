"""The slots that runs share, whatever worker they are on: who trains holds `gpu`.

A run without a server shares one with its like by a file's lock instead, which the kernel drops when the process dies:
the server that Prefect starts for the time of a run frees no slot of a run that was killed, ever.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

GPU = "gpu"
LIMITS = {GPU: 1}
"""Concurrency limits, by name."""
LEASE = 60
"""Seconds that a slot stays taken after the process that holds it was killed: the least that Prefect allows."""
TRAINING = ("pretrain", "finetune")
"""Stages that hold `gpu`, and may be sent to another work pool."""


def ensure_limits() -> None:
    """Make the limits where there are none; one that somebody set otherwise stays."""
    if not _has_server():
        return
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    with get_client(sync_client=True) as client:
        for name, limit in LIMITS.items():
            try:
                client.read_global_concurrency_limit_by_name(name)
            except ObjectNotFound:
                try:
                    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))
                except ObjectAlreadyExists:
                    continue  # another run was faster


@contextmanager
def hold_slot(stage: str) -> Iterator[None]:
    """Hold the slot that the stage needs, if it needs one, within the block."""
    from prefect.concurrency.sync import concurrency

    if stage not in TRAINING:
        yield
        return
    if not _has_server():
        with _hold_file_lock():
            yield
        return
    with concurrency(GPU, occupy=1, lease_duration=LEASE):
        yield


def _has_server() -> bool:
    """Return whether a server is named; else Prefect starts one for this run alone."""
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


@contextmanager
def _hold_file_lock() -> Iterator[None]:
    from prefect.settings import PREFECT_HOME

    home = PREFECT_HOME.value()
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"satiety-{GPU}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
