"""Flow `pipeline`: from raw text to a registered model, and to a champion where the evidence allows it.

    python -m flows.pipeline        in the folder of a params.yaml; needs no server

DVC decides what must run. The flow asks it once, lets independent stages run side by side, and says of the others that
nothing changed for them. A run in MLflow is opened only when there is something to run.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satiety.core.services import join_services

if __name__ == "__main__":
    join_services()

from prefect import State, flow, runtime  # Prefect reads its settings when it is imported
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture
from prefect.states import Failed

from flows import artifacts, commands, concurrency, dvc, lock
from flows.alerts.hooks import HOOKS
from flows.overrides import build_run_command, build_save_command, preserve_params, restore_params
from flows.reaper import start_reaper
from flows.stages import check_pool, promote, reproduce, save, send, skip_stage
from flows.stale_runs import hold_flow_lock
from satiety.core.errors import SatietyError, SetupError
from satiety.core.registry import discover
from satiety.core.section import PARAMS_FILE
from satiety.params import check_overrides
from tasks.outbox import track_pipeline
from tasks.pdeathsig import end_with_parent
from tasks.stage import begin_pipeline
from tasks.tracking import find_location

discover()  # before Prefect has threads

BUSY = ("worth",)
"""Stages that keep every core busy by themselves: beside others all would take longer, so they wait for these."""
BY_WORKER = "PREFECT__FLOW_RUN_ID"
"""In the environment of a run that a worker started."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one run was asked for."""

    overrides: Sequence[str]
    gpu_pool: str | None
    name: str
    """Of the run, and of its DVC experiment where there are overrides."""


@flow(name="pipeline", persist_result=False, **HOOKS)
def pipeline(
    workspace: str = ".", overrides: list[str] | None = None, gpu_pool: str | None = None
) -> State[Any] | None:
    """Check params.yaml, run every stage of dvc.yaml that something changed for, then promote.

    Args:
        workspace: the folder of a params.yaml and its dvc.yaml.
        overrides: block.field=value, as `dvc exp run -S` takes them; for this run alone.
        gpu_pool: the work pool whose deployment `stage/<pool>` runs pretrain and finetune; none runs them here.
    """
    order = Order(overrides or [], gpu_pool, str(runtime.flow_run.name))
    try:
        with limit_lifetime(), enter_workspace(workspace):
            _check_and_run(order)
    except SatietyError as error:
        return Failed(message=str(error))  # a user's mistake is a message in the log, not a traceback
    return None


def _check_and_run(order: Order) -> None:
    check_overrides(PARAMS_FILE, order.overrides)
    if order.gpu_pool:
        check_pool(order.gpu_pool)
    upstream = dvc.read_stages()
    begin_pipeline(Path())
    with hold_flow_lock("pipeline"):
        lock.repair()
        if restore_params():
            check_overrides(PARAMS_FILE, order.overrides)
        with preserve_params() if order.overrides else nullcontext():
            _run(order, upstream)


def _run(order: Order, upstream: dvc.Upstream) -> None:
    stale = frozenset(upstream) if order.overrides else dvc.find_stale(upstream)
    with track_run(order, "pipeline") if stale else nullcontext("") as key:
        states = run_stages(order, upstream, stale, key)
        if order.overrides:
            save.with_options(task_run_name="experiment")(build_save_command(upstream, order.name))
    promote.with_options(task_run_name="promote")(key)
    location = find_location(key) if key else None
    outcomes = {stage: _describe_state(state) for stage, state in states.items()}
    artifacts.publish(outcomes, location["url"] if location else None)


def run_stages(order: Order, upstream: dvc.Upstream, stale: frozenset[str], key: str) -> dict[str, State[Any]]:
    """Run what waits, each stage as soon as those it reads from have ended; return how every stage ended."""
    if stale & {*concurrency.TRAINING}:
        concurrency.ensure_limits()
    first, futures, states = next(iter(upstream)), dict[str, PrefectFuture[Any]](), dict[str, State[Any]]()
    for stage, parents in upstream.items():
        if stage not in stale:
            states[stage] = skip_stage.with_options(task_run_name=stage)(stage, return_state=True)
            continue
        command = build_run_command(stage, order.overrides, order.name) if order.overrides and stage == first else None
        dependencies = [futures[name] for name in futures if name in parents or stage in BUSY]
        futures[stage] = _submit(stage, command or dvc.build_repro_command(stage), order, key, dependencies)
    for future in futures.values():
        future.wait()
    for stage, future in futures.items():
        future.result()
        states[stage] = future.state
    lock.sort_entries(dvc.read_stages())
    return {stage: states[stage] for stage in upstream}


def _submit(stage: str, command: list[str], order: Order, key: str, dependencies: list[PrefectFuture[Any]]) -> Any:
    if order.gpu_pool and stage in concurrency.TRAINING:
        remote_task = send.with_options(task_run_name=stage)
        return remote_task.submit(stage, order.gpu_pool, key, wait_for=dependencies, return_state=False)
    local_task = reproduce.with_options(task_run_name=stage)
    return local_task.submit(stage, command, key, wait_for=dependencies, return_state=False)


def _describe_state(state: State[Any]) -> str:
    return "ran" if state.name == "Completed" else str(state.name).lower()


@contextmanager
def track_run(order: Order, flow: str) -> Iterator[str]:
    """Open the run in MLflow that those of the stages belong to, and send them all there meanwhile; give its key."""
    params = {"overrides": json.dumps(order.overrides), "flow_run": order.name}
    command = [*dvc.python("tasks.pdeathsig", str(os.getpid())), *dvc.python("tasks.publish", "--follow")]
    with subprocess.Popen(command, env=dvc.build_environment()) as publisher:
        try:
            with track_pipeline(flow, params) as run:
                yield run.key
        finally:
            publisher.terminate()  # it sends what is there once more, the end of this run included


@contextmanager
def enter_workspace(workspace: str) -> Iterator[None]:
    """Be in the folder of a params.yaml within the block.

    Raises:
        SetupError: there is none.
    """
    if not Path(workspace, PARAMS_FILE).is_file():
        path = Path(workspace).absolute()
        raise SetupError(f"workspace: {path}: holds no {PARAMS_FILE}; give the folder of one")
    with chdir(workspace):
        yield


@contextmanager
def limit_lifetime() -> Iterator[None]:
    """Let nothing outlive this run, and this run not its worker."""
    if BY_WORKER in os.environ:
        end_with_parent()
    start_reaper()
    try:
        yield
    except BaseException:
        commands.stop()
        raise


def run(flow: Callable[[], Any]) -> None:
    """Run a flow from the command line; a user's mistake is a message on stderr and exit code 1."""
    if arguments := sys.argv[1:]:
        sys.exit(f"{' '.join(arguments)}: a flow takes no words; it runs in the folder that it is called in")
    try:
        flow()
    except FailedRun as error:
        sys.exit(str(error))
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):
            raise
        sys.exit(f"PREFECT_API_URL: no Prefect server answers there ({error}); start it, or unset the variable")


if __name__ == "__main__":
    run(pipeline)
