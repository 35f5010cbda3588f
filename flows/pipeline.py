"""Flow `pipeline`: from raw text to a registered model, which becomes champion if the evidence is sufficient.

    python -m flows.pipeline        in the folder of a params.yaml; needs no server

DVC decides what must run. The flow queries it once, runs independent stages in parallel, and marks the others cached.
A run in MLflow is created only if a stage has to run.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
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

from flows import artifacts, dvc, recovery
from flows.alerts.hooks import HOOKS
from flows.commands import enter_workspace
from flows.concurrency import TRAINING, ensure_limits, hold_flow_lock
from flows.stages import check_pool, promote, reproduce, run_in_pool, save_experiment, skip_stage
from satiety.core.errors import SatietyError
from satiety.core.registry import discover
from satiety.core.section import PARAMS_FILE
from satiety.params import check_overrides
from tasks.outbox import track_pipeline
from tasks.stage import begin_pipeline
from tasks.tracking import find_location

discover()  # before Prefect starts threads

BUSY = ("worth",)
"""Stages that use every core, so they start after all others."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one run."""

    overrides: Sequence[str]
    gpu_pool: str | None
    name: str
    """Name of the run, and of its DVC experiment if there are overrides."""


@flow(name="pipeline", persist_result=False, **HOOKS)
def pipeline(
    workspace: str = ".", overrides: list[str] | None = None, gpu_pool: str | None = None
) -> State[Any] | None:
    """Validate params.yaml, run every stale stage of dvc.yaml, then decide about promotion.

    Args:
        workspace: folder of a params.yaml and its dvc.yaml.
        overrides: `section.field=value`, as in `dvc exp run -S`; for this run only.
        gpu_pool: work pool whose deployment `stage/<pool>` runs pretrain and finetune; null runs them here.
    """
    options = RunOptions(overrides or [], gpu_pool, str(runtime.flow_run.name))
    try:
        with enter_workspace(workspace):
            _run_pipeline(options)
    except SatietyError as error:
        return Failed(message=str(error))  # a message in the log, not a traceback
    return None


def _run_pipeline(options: RunOptions) -> None:
    check_overrides(PARAMS_FILE, options.overrides)
    if options.gpu_pool:
        check_pool(options.gpu_pool)
    dependencies = dvc.read_stages()
    begin_pipeline(Path())

    with prepare_run(options.overrides), recovery.preserve_params() if options.overrides else nullcontext():
        stale = frozenset(dependencies) if options.overrides else dvc.find_stale(dependencies)
        with track_run(options, "pipeline") if stale else nullcontext("") as run_key:
            states = run_stages(options, dependencies, stale, run_key)
            if options.overrides:
                save_experiment.with_options(task_run_name="experiment")(
                    dvc.build_save_command(dependencies, options.name)
                )
        promote.with_options(task_run_name="promote")(run_key)

        tracked_run = find_location(run_key) if run_key else None
        outcomes = {
            stage: "ran" if state.name == "Completed" else str(state.name).lower() for stage, state in states.items()
        }
        artifacts.publish(outcomes, tracked_run["url"] if tracked_run else None)


@contextmanager
def prepare_run(overrides: Sequence[str]) -> Iterator[None]:
    """Hold the lock of the pipeline within the block, after repairing what a killed run left behind."""
    with hold_flow_lock("pipeline"):
        recovery.repair()
        if recovery.restore_params():
            check_overrides(PARAMS_FILE, overrides)
        yield


def run_stages(options: RunOptions, upstream: dvc.Upstream, stale: frozenset[str], key: str) -> dict[str, State[Any]]:
    """Run the stale stages, each after the stages whose outs it reads; return the final state of every stage.

    Args:
        options: options of the run.
        upstream: the stages in order, each with the stages whose outs it reads.
        stale: stages that must run; the others are marked cached.
        key: key of the parent run in MLflow.

    Raises:
        StageError: a stage failed.
    """
    if stale & {*TRAINING}:
        ensure_limits()
    first, futures, states = next(iter(upstream)), dict[str, PrefectFuture[Any]](), dict[str, State[Any]]()
    for stage, parents in upstream.items():
        if stage not in stale:
            states[stage] = skip_stage.with_options(task_run_name=stage)(stage, return_state=True)
            continue
        dependencies = [futures[name] for name in futures if name in parents or stage in BUSY]
        submission: dict[str, Any] = {"wait_for": dependencies, "return_state": False}
        if options.gpu_pool and stage in TRAINING:
            futures[stage] = run_in_pool.with_options(task_run_name=stage).submit(
                stage, options.gpu_pool, key, **submission
            )
            continue
        sets_overrides = options.overrides and stage == first
        command = (
            dvc.build_run_command(stage, options.overrides, options.name)
            if sets_overrides
            else dvc.build_repro_command(stage)
        )
        futures[stage] = reproduce.with_options(task_run_name=stage).submit(stage, command, key, **submission)

    # Wait for all before the first error is raised.
    for future in futures.values():
        future.wait()
    for stage, future in futures.items():
        future.result()
        states[stage] = future.state
    recovery.sort_entries(dvc.read_stages())
    return {stage: states[stage] for stage in upstream}


@contextmanager
def track_run(options: RunOptions, flow: str) -> Iterator[str]:
    """Open the parent run of the stages in MLflow within the block, and publish them meanwhile; yield its key."""
    params = {"overrides": json.dumps(options.overrides), "flow_run": options.name}
    command = [*dvc.python("tasks.pdeathsig", str(os.getpid())), *dvc.python("tasks.publish", "--follow")]
    with subprocess.Popen(command, env=dvc.build_environment()) as publisher:
        try:
            with track_pipeline(flow, params) as run:
                yield run.key
        finally:
            publisher.terminate()  # it publishes what is left, the end of this run included


def run(flow: Callable[[], Any]) -> None:
    """Run a flow from the command line; a user's mistake is a message on stderr and exit code 1."""
    if arguments := sys.argv[1:]:
        sys.exit(f"{' '.join(arguments)}: a flow has no arguments; change to the folder of a params.yaml and run it")
    try:
        flow()
    except FailedRun as error:
        sys.exit(str(error))
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):
            raise
        sys.exit(f"PREFECT_API_URL: no Prefect server answers ({error}); start it, or unset the variable")


if __name__ == "__main__":
    run(pipeline)
