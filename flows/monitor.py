"""Flow `monitor`: what the model is asked today against what it was tested on; says what has moved and what it costs.

python -m flows.monitor        in the folder of a params.yaml; needs no server
"""

from pathlib import Path
from typing import Any

from satiety.services import join

if __name__ == "__main__":
    join()

from prefect import State, flow, task  # Prefect reads its settings when it is imported
from prefect.states import Completed, Failed

from flows import artifacts
from flows.commands import execute
from flows.dvc import python, surroundings
from flows.pipeline import bounded, entered, run
from flows.stages import RETRIES, passing
from satiety.errors import SatietyError
from satiety.params import check_overrides
from satiety.section import PARAMS_FILE
from tasks.stage import alone


@flow(name="monitor", persist_result=False)
def monitor(workspace: str = ".", table: str | None = None) -> State[Any] | None:
    """Look at the newest texts that were answered, or at those of a table.

    Args:
        workspace: the folder of a params.yaml.
        table: a CSV, TSV, JSONL, Parquet or text file with a column `text`; none takes the record of what was answered.
    """
    file = Path(table).absolute() if table else None
    try:
        with bounded(), entered(workspace):
            check_overrides(PARAMS_FILE, [])
            with alone("watching"):
                told = look.with_options(task_run_name="look")(file)
                artifacts.publish_monitor(told)
    except SatietyError as error:
        return Failed(message=str(error))
    return Completed(name="Completed", message=told["sentence"]["en"])


@task(retry_condition_fn=passing, **RETRIES)
def look(table: Path | None) -> dict[str, Any]:
    """Run `monitor` in a process of its own; return its report."""
    given = ["--table", str(table)] if table else []
    execute("monitor", python("tasks.monitor", *given), surroundings())
    return artifacts.report("monitor")


if __name__ == "__main__":
    run(monitor)
