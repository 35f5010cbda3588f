"""Flow `worth`: what labels buy, and what each lever is worth in labels; runs what the meter needs, and the meter.

python -m flows.worth        in the folder of a params.yaml; needs no server
"""

from contextlib import nullcontext
from typing import Any

from satiety.services import join

if __name__ == "__main__":
    join()

from prefect import State, flow, runtime  # Prefect reads its settings when it is imported
from prefect.states import Failed

from flows import artifacts, dvc, lock
from flows.alerts import HOOKS
from flows.former import held
from flows.overrides import put_back
from flows.pipeline import Order, bounded, entered, run, run_stages, tracked
from satiety.errors import SatietyError
from satiety.params import check_overrides
from satiety.section import PARAMS_FILE
from tasks.stage import begin

STAGE = "worth"


@flow(name=STAGE, persist_result=False, **HOOKS)
def worth(workspace: str = ".") -> State[Any] | None:
    """Measure, after whatever stages that takes.

    Args:
        workspace: the folder of a params.yaml and its dvc.yaml.
    """
    try:
        with bounded(), entered(workspace):
            _measure(Order([], None, str(runtime.flow_run.name)))
    except SatietyError as error:
        return Failed(message=str(error))
    return None


def _measure(order: Order) -> None:
    check_overrides(PARAMS_FILE, [])
    upstream = dvc.before(dvc.stages(), STAGE)
    begin(dvc.FILE.parent)
    with held("pipeline"):
        lock.mend()
        if put_back():
            check_overrides(PARAMS_FILE, [])
        waiting = dvc.stale(upstream)
        with tracked(order, STAGE) if waiting else nullcontext("") as key:
            run_stages(order, upstream, waiting, key)
        artifacts.publish_meter()


if __name__ == "__main__":
    run(worth)
