"""Flow `worth`: what labels buy, and what each lever is worth in labels; runs what the meter needs, and the meter.

python -m flows.worth        in the folder of a params.yaml; needs no server
"""

from contextlib import nullcontext
from typing import Any

from satiety.core.services import join_services

if __name__ == "__main__":
    join_services()

from prefect import State, flow, runtime  # Prefect reads its settings when it is imported
from prefect.states import Failed

from flows import artifacts, dvc, lock
from flows.alerts.hooks import HOOKS
from flows.overrides import restore_params
from flows.pipeline import Order, enter_workspace, limit_lifetime, run, run_stages, track_run
from flows.stale_runs import hold_flow_lock
from satiety.core.errors import SatietyError
from satiety.core.section import PARAMS_FILE
from satiety.params import check_overrides
from tasks.stage import begin_pipeline

STAGE = "worth"


@flow(name=STAGE, persist_result=False, **HOOKS)
def worth(workspace: str = ".") -> State[Any] | None:
    """Measure, after whatever stages that takes.

    Args:
        workspace: the folder of a params.yaml and its dvc.yaml.
    """
    try:
        with limit_lifetime(), enter_workspace(workspace):
            _measure(Order([], None, str(runtime.flow_run.name)))
    except SatietyError as error:
        return Failed(message=str(error))
    return None


def _measure(order: Order) -> None:
    check_overrides(PARAMS_FILE, [])
    upstream = dvc.select_upstream(dvc.read_stages(), STAGE)
    begin_pipeline(dvc.FILE.parent)
    with hold_flow_lock("pipeline"):
        lock.repair()
        if restore_params():
            check_overrides(PARAMS_FILE, [])
        stale = dvc.find_stale(upstream)
        with track_run(order, STAGE) if stale else nullcontext("") as key:
            run_stages(order, upstream, stale, key)
        artifacts.publish_meter()


if __name__ == "__main__":
    run(worth)
