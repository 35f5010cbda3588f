"""Flow `pipeline`: from raw text to a registered model, and to a champion where the evidence allows it.

python -m flows.pipeline        in the folder of a params.yaml; needs no server
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

from satiety.services import join

if __name__ == "__main__":
    join()

from prefect import flow  # Prefect reads its settings when it is imported

from flows.dvc import promote, reproduce, stages
from satiety.errors import SatietyError
from satiety.params import load_params
from tasks.stage import begin


@flow(name="pipeline", persist_result=False)
def pipeline() -> None:
    """Check params.yaml, reproduce every stage of dvc.yaml in order, then promote."""
    load_params()
    begin(Path())
    for name in stages():
        reproduce.with_options(task_run_name=name)(name)
    promote.with_options(task_run_name="promote")()


if __name__ == "__main__":
    try:
        pipeline()
    except SatietyError as error:
        sys.exit(str(error))
