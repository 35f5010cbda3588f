"""Flow `worth`: measure how the score grows with labels, and what each lever is worth in labels.

python -m flows.worth        in the folder of a params.yaml; needs no server
"""

from contextlib import nullcontext
from typing import Any

from satiety.core.services import join_services

if __name__ == "__main__":
    join_services()

from prefect import State, flow, runtime  # Prefect reads its settings when it is imported
from prefect.states import Failed

from flows import artifacts, dvc
from flows.alerts.hooks import HOOKS
from flows.commands import enter_workspace
from flows.pipeline import RunOptions, prepare_run, run, run_stages, track_run
from satiety.core.errors import SatietyError
from satiety.core.section import PARAMS_FILE
from satiety.params import check_overrides
from tasks.stage import begin_pipeline

STAGE = "worth"


@flow(name=STAGE, persist_result=False, **HOOKS)
def worth(workspace: str = ".") -> State[Any] | None:
    """Run the stage `worth` and every stale stage upstream of it.

    Args:
        workspace: folder of a params.yaml and its dvc.yaml.
    """
    options = RunOptions([], None, str(runtime.flow_run.name))
    try:
        with enter_workspace(workspace):
            check_overrides(PARAMS_FILE, [])
            upstream = dvc.select_upstream(dvc.read_stages(), STAGE)
            begin_pipeline(dvc.FILE.parent)
            with prepare_run([]):
                stale = dvc.find_stale(upstream)
                with track_run(options, STAGE) if stale else nullcontext("") as key:
                    run_stages(options, upstream, stale, key)
                artifacts.publish_meter()
    except SatietyError as error:
        return Failed(message=str(error))
    return None


if __name__ == "__main__":
    run(worth)
