"""Tasks of the flows: run a stage, skip it or send it to another pool; decide about promotion; save an experiment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import State, flow, task
from prefect.deployments import run_deployment
from prefect.states import Completed

from flows.commands import StageError, enter_workspace, execute
from flows.concurrency import hold_slot
from flows.dvc import build_environment, build_repro_command, python
from satiety.core.errors import SetupError

RETRIES: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [10, 60], "persist_result": False}
"""For transient failures: a source or MLflow is down, or another run holds a lock."""
SKIPPED = "didn't change, skipping"
RESTORED = "is cached - skipping run, checking out outputs"


def is_transient(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Return whether a task failed in a way that a retry may fix."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, StageError) and error.is_transient


@task(retry_condition_fn=is_transient, **RETRIES)
def reproduce(stage: str, command: Sequence[str], parent: str) -> State[Any]:
    """Run one stage by a DVC command, which skips it if nothing changed.

    Args:
        stage: its name in dvc.yaml.
        command: the DVC command.
        parent: key of the parent run in MLflow.
    """
    with hold_slot(stage):
        output = execute(stage, command, build_environment(parent))
    if SKIPPED in output:
        return Completed(name="Cached", message="Its dependencies did not change.")
    if RESTORED in output:
        return Completed(name="Cached", message="Its results were restored from the cache.")
    return Completed(message="The stage ran.")


@task(persist_result=False)
def skip_stage(stage: str) -> State[Any]:
    """Mark a stage as cached."""
    return Completed(name="Cached", message=f"The dependencies of {stage} did not change.")


@flow(name="stage", persist_result=False)
def stage(stage: str, workspace: str, parent: str = "") -> None:
    """Flow `stage`: reproduce one stage on a worker of another work pool that has the same folder.

    Args:
        stage: its name in dvc.yaml.
        workspace: folder of the dvc.yaml.
        parent: key of the parent run in MLflow.
    """
    with enter_workspace(workspace):
        reproduce.with_options(task_run_name=stage)(stage, build_repro_command(stage), parent)


def check_pool(pool: str) -> None:
    """Check that the deployment of the flow `stage` for a work pool exists.

    Raises:
        SetupError: there is no such deployment.
    """
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            client.read_deployment_by_name(f"stage/{pool}")
        except ObjectNotFound:
            names = {
                str(deployment.name)
                for deployment in client.read_deployments()
                if (deployment.entrypoint or "").endswith(":stage")
            }
            choices = ", ".join(sorted(names)) or "none; `satiety deploy` creates those of prefect.yaml"
            raise SetupError(f"gpu_pool: there is no deployment stage/{pool}; there is: {choices}") from None


@task(persist_result=False)
def run_in_pool(stage: str, pool: str, parent: str) -> State[Any]:
    """Run a stage on a worker of another pool that has the same folder, by the deployment `stage/<pool>`."""
    parameters = {"stage": stage, "workspace": str(Path.cwd()), "parent": parent}
    run: Any = run_deployment(f"stage/{pool}", parameters=parameters, flow_run_name=stage)
    state = run.state
    if state is None or not state.is_completed():
        raise StageError(f"stage {stage} in work pool {pool!r} ended as {state and state.name}; see its log")
    return Completed(name=state.name, message=f"Ran on a worker of {pool}. {state.message or ''}")


@task(retry_condition_fn=is_transient, **RETRIES)
def promote(parent: str) -> State[Any]:
    """Compare the challenger with the champion, and move the alias if the evidence is sufficient."""
    execute("promote", python("tasks.promote"), build_environment(parent))
    return Completed(message="Decided, see reports/promote.json.")


@task(persist_result=False)
def save_experiment(command: Sequence[str]) -> None:
    """Save the results of the stages as one DVC experiment."""
    execute("experiment", command, build_environment())
