"""Locks between runs: one run of a flow per folder, and one training at a time per machine or server.

With a server, training takes a slot of its limit `gpu`. Without one, training locks a file, which the kernel releases
when the process dies; a temporary Prefect server never frees the slot of a killed run.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from filelock import FileLock

from satiety.core.files import write_text
from satiety.core.state import STATE
from tasks.stage import hold_lock

GPU = "gpu"
LIMITS = {GPU: 1}
"""Concurrency limits, by name."""
LEASE = 60
"""Seconds until the slot of a killed process is free again; Prefect's minimum."""
TRAINING = ("pretrain", "finetune")
"""Stages that take a slot of `gpu`, and may run in another work pool."""


def ensure_limits() -> None:
    """Create missing limits on the server; a limit that a user has changed stays."""
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
                with suppress(ObjectAlreadyExists):  # another run may create it at the same time
                    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))


@contextmanager
def hold_slot(stage: str) -> Iterator[None]:
    """Wait for the slot of a training stage and hold it within the block; other stages need none."""
    from prefect.concurrency.sync import concurrency
    from prefect.settings import PREFECT_HOME

    if stage not in TRAINING:
        yield
    elif _has_server():
        with concurrency(GPU, occupy=1, lease_duration=LEASE):
            yield
    else:
        home = PREFECT_HOME.value()
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"satiety-{GPU}.lock"):
            yield


def _has_server() -> bool:
    """Return whether a server is configured; otherwise Prefect starts a temporary one for each run."""
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


@contextmanager
def hold_flow_lock(flow: str) -> Iterator[None]:
    """Hold a flow's lock in the current folder within the block, and mark the previous run crashed if it never ended.

    A permanent server marks dead runs by itself (`automations.py`); a temporary one ended with its run.

    Raises:
        BusyError: another run of the flow holds the lock.
    """
    from prefect import runtime

    with hold_lock(flow):
        note, run_id = STATE / f"{flow}.run", str(runtime.flow_run.id)
        previous_id = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else run_id
        write_text(note, run_id)
        if previous_id != run_id:
            _mark_crashed(previous_id)
        yield


def _mark_crashed(run_id: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    with suppress(ObjectNotFound, ValueError), get_client(sync_client=True) as client:  # another server's id, or none
        state = client.read_flow_run(UUID(run_id)).state
        if state is not None and not state.is_final():
            client.set_flow_run_state(UUID(run_id), Crashed(message="The process was killed."), force=True)
