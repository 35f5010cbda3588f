"""A run that was killed where no server watches -> called crashed, by the next one of its name in the same folder.

A server ends such a run by itself (`automations.py`); the one that Prefect starts for a single run is gone with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from satiety.core.files import write_text
from satiety.core.state import STATE
from tasks.stage import hold_lock


@contextmanager
def hold_flow_lock(flow: str) -> Iterator[None]:
    """Hold the lock of a flow within the block: whatever run held it before has ended, however it did."""
    with hold_lock(flow):
        note, run_id = STATE / f"{flow}.run", str(runtime.flow_run.id)
        previous_id = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else run_id
        write_text(note, run_id)
        if previous_id != run_id:
            _mark_crashed(previous_id)
        yield


def _mark_crashed(run_id: str) -> None:
    with suppress(ObjectNotFound, ValueError), get_client(sync_client=True) as client:  # of another server, or no id
        state = client.read_flow_run(UUID(run_id)).state
        if state is not None and not state.is_final():
            client.set_flow_run_state(UUID(run_id), Crashed(message="Its process was killed."), force=True)
