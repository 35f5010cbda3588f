"""Flow `stage`: one stage, for a worker of another work pool that sees the same folder."""

from prefect import flow

from flows.dvc import build_repro_command
from flows.pipeline import enter_workspace, limit_lifetime
from flows.stages import reproduce


@flow(name="stage", persist_result=False)
def stage(stage: str, workspace: str, parent: str = "") -> None:
    """Reproduce one stage.

    Args:
        stage: its name in dvc.yaml.
        workspace: the folder of that file.
        parent: the key of the run in MLflow that it belongs to.
    """
    with limit_lifetime(), enter_workspace(workspace):
        reproduce.with_options(task_run_name=stage)(stage, build_repro_command(stage), parent)
