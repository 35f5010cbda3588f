"""The tasks of Prefect: one runs a stage, one says that nothing changed for it, one sends it to another work pool."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import State, task
from prefect.deployments import run_deployment
from prefect.states import Completed

from flows import concurrency
from flows.commands import StageError, execute
from flows.dvc import build_environment, python
from satiety.core.errors import SetupError

RETRIES: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [10, 60], "persist_result": False}
"""For what is outside and may pass: a source or MLflow that does not answer, a lock that another run holds."""
SKIPPED = "didn't change, skipping"
RESTORED = "is cached - skipping run, checking out outputs"


def is_transient(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Return whether trying again may help; a wrong value stays wrong."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, StageError) and error.is_transient


@task(retry_condition_fn=is_transient, **RETRIES)
def reproduce(stage: str, command: Sequence[str], parent: str) -> State[Any]:
    """Run one stage by a command of DVC's, which knows whether it must; its lines are the run's log."""
    with concurrency.hold_slot(stage):
        output = execute(stage, command, build_environment(parent))
    if SKIPPED in output:
        return Completed(name="Cached", message="Nothing it depends on changed.")
    if RESTORED in output:
        return Completed(name="Cached", message="Its results were in the cache, and are back.")
    return Completed(message="It ran.")


@task(persist_result=False)
def skip_stage(stage: str) -> State[Any]:
    """Say that a stage need not run."""
    return Completed(name="Cached", message=f"Nothing that {stage} depends on changed.")


def check_pool(pool: str) -> None:
    """Make sure that there is a deployment to send stages to.

    Raises:
        SetupError: there is none.
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
            choices = ", ".join(sorted(names)) or "none; `satiety deploy` makes those of prefect.yaml"
            raise SetupError(f"gpu_pool: there is no deployment stage/{pool}; there is: {choices}") from None


@task(persist_result=False)
def send(stage: str, pool: str, parent: str) -> State[Any]:
    """Let a worker of another pool run a stage, by the deployment `stage/<pool>`; it must see the same folder."""
    parameters = {"stage": stage, "workspace": str(Path.cwd()), "parent": parent}
    run: Any = run_deployment(f"stage/{pool}", parameters=parameters, flow_run_name=stage)
    state = run.state
    if state is None or not state.is_completed():
        raise StageError(f"stage {stage} was sent to {pool!r}, and ended there as {state and state.name}; see its log")
    return Completed(name=state.name, message=f"By a worker of {pool}. {state.message or ''}")


@task(retry_condition_fn=is_transient, **RETRIES)
def promote(parent: str) -> State[Any]:
    """Compare the challenger with the champion, and move the alias where the evidence says so."""
    execute("promote", python("tasks.promote"), build_environment(parent))
    return Completed(message="It was decided: see reports/promote.json.")


@task(persist_result=False)
def save(command: Sequence[str]) -> None:
    """Make one DVC experiment of what the stages made."""
    execute("experiment", command, build_environment())
