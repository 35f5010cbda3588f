"""Flow `pipeline`: from raw text to a registered model, and to a champion where the evidence allows it.

    python -m flows.pipeline        in the folder of a params.yaml; needs no server

DVC decides what must run. The flow asks it once, lets independent stages run side by side, and says of the others that
nothing changed for them. A run in MLflow is opened only when there is something to run.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satiety.services import join

if __name__ == "__main__":
    join()

from prefect import State, flow, runtime  # Prefect reads its settings when it is imported
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture
from prefect.states import Failed

from flows import artifacts, commands, dvc, lock, slots
from flows.alerts import HOOKS
from flows.former import held
from flows.guard import guard
from flows.overrides import lent, put_back, saving, setting
from flows.stages import cached, check_pool, promote, reproduce, save, send
from satiety.errors import SatietyError, SetupError
from satiety.params import check_overrides
from satiety.registry import discover
from satiety.section import PARAMS_FILE
from tasks.leash import end_with_parent
from tasks.spool import arrived, parent
from tasks.stage import begin

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
        with bounded(), entered(workspace):
            _checked(order)
    except SatietyError as error:
        return Failed(message=str(error))  # a user's mistake is a message in the log, not a traceback
    return None


def _checked(order: Order) -> None:
    check_overrides(PARAMS_FILE, order.overrides)
    if order.gpu_pool:
        check_pool(order.gpu_pool)
    upstream = dvc.stages()
    begin(Path())
    with held("pipeline"):
        lock.mend()
        if put_back():
            check_overrides(PARAMS_FILE, order.overrides)
        with lent() if order.overrides else nullcontext():
            _run(order, upstream)


def _run(order: Order, upstream: dvc.Upstream) -> None:
    waiting = frozenset(upstream) if order.overrides else dvc.stale(upstream)
    with tracked(order, "pipeline") if waiting else nullcontext("") as key:
        ended = run_stages(order, upstream, waiting, key)
        if order.overrides:
            save.with_options(task_run_name="experiment")(saving(upstream, order.name))
    promote.with_options(task_run_name="promote")(key)
    there = arrived(key) if key else None
    how = {stage: _how(state) for stage, state in ended.items()}
    artifacts.publish(how, there.url if there else None)


def run_stages(order: Order, upstream: dvc.Upstream, waiting: frozenset[str], key: str) -> dict[str, State[Any]]:
    """Run what waits, each stage as soon as those it reads from have ended; return how every stage ended."""
    if waiting & {*slots.TRAINING}:
        slots.ensure()
    first, begun, ended = next(iter(upstream)), dict[str, PrefectFuture[Any]](), dict[str, State[Any]]()
    for stage, before in upstream.items():
        if stage not in waiting:
            ended[stage] = cached.with_options(task_run_name=stage)(stage, return_state=True)
            continue
        command = setting(stage, order.overrides, order.name) if order.overrides and stage == first else None
        after = [begun[one] for one in begun if one in before or stage in BUSY]
        begun[stage] = _submit(stage, command or dvc.single(stage), order, key, after)
    for future in begun.values():
        future.wait()
    for stage, future in begun.items():
        future.result()
        ended[stage] = future.state
    lock.tidy(dvc.stages())
    return {stage: ended[stage] for stage in upstream}


def _submit(stage: str, command: list[str], order: Order, key: str, after: list[PrefectFuture[Any]]) -> Any:
    if order.gpu_pool and stage in slots.TRAINING:
        away = send.with_options(task_run_name=stage)
        return away.submit(stage, order.gpu_pool, key, wait_for=after, return_state=False)
    here = reproduce.with_options(task_run_name=stage)
    return here.submit(stage, command, key, wait_for=after, return_state=False)


def _how(state: State[Any]) -> str:
    return "ran" if state.name == "Completed" else str(state.name).lower()


@contextmanager
def tracked(order: Order, flow: str) -> Iterator[str]:
    """Open the run in MLflow that those of the stages belong to; give the key it is known by."""
    params = {"overrides": json.dumps(order.overrides), "flow_run": order.name}
    try:
        with parent(flow, params) as run:
            yield str(run.head["run"])
    except SatietyError:
        with suppress(commands.StageError):  # MLflow hears of a run that failed, if it can
            commands.execute("mlflow", dvc.python("tasks.tracking"), dvc.surroundings())
        raise


@contextmanager
def entered(workspace: str) -> Iterator[None]:
    """Be in the folder of a params.yaml within the block.

    Raises:
        SetupError: there is none.
    """
    if not Path(workspace, PARAMS_FILE).is_file():
        where = Path(workspace).absolute()
        raise SetupError(f"workspace: {where}: holds no {PARAMS_FILE}; give the folder of one")
    with chdir(workspace):
        yield


@contextmanager
def bounded() -> Iterator[None]:
    """Let nothing outlive this run, and this run not its worker."""
    if BY_WORKER in os.environ:
        end_with_parent()
    guard()
    try:
        yield
    except BaseException:
        commands.stop()
        raise


def run(flow: Callable[[], Any]) -> None:
    """Run a flow from the command line; a user's mistake is a message on stderr and exit code 1."""
    if given := sys.argv[1:]:
        sys.exit(f"{' '.join(given)}: a flow takes no words; it runs in the folder that it is called in")
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
