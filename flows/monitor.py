"""Flow `monitor`: detect drift between recent texts and the test set, and estimate its cost in score.

python -m flows.monitor        in the folder of a params.yaml; needs no server
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satiety.core.services import join_services

if __name__ == "__main__":
    join_services()

from prefect import State, flow, get_run_logger, task  # Prefect reads its settings when it is imported
from prefect.states import Completed, Failed

from flows import artifacts, events
from flows.alerts import Alert, Severity, send
from flows.alerts.hooks import HOOKS
from flows.commands import enter_workspace, execute
from flows.concurrency import hold_flow_lock
from flows.dvc import build_environment, python
from flows.pipeline import run
from flows.stages import RETRIES, is_transient
from satiety.core.errors import SatietyError
from satiety.core.section import PARAMS_FILE
from satiety.params import check_overrides
from tasks.monitor import name_report
from tasks.stage import REPORTS

EVENT_FIELDS = ("verdict", "sentence", "metric", "usual", "today", "change", "cost", "window")
"""Fields of a report that an event contains."""
SEVERITIES = {
    "harmful drift": Severity.WARNING,
    "drift without harm": Severity.RESOLVED,
    "no drift": Severity.RESOLVED,
}
"""Alert level of each verdict; too few texts raise no alert and resolve none."""


@flow(name="monitor", persist_result=False, **HOOKS)
def monitor(workspace: str = ".", table: str | None = None) -> State[Any] | None:
    """Monitor the newest predicted texts, or those of a table.

    Args:
        workspace: folder of a params.yaml.
        table: CSV, TSV, JSONL, Parquet or text file with a column `text`; null reads the recorded predictions.
    """
    file = Path(table).absolute() if table else None
    try:
        with enter_workspace(workspace):
            check_overrides(PARAMS_FILE, [])
            with hold_flow_lock("monitor_flow"):  # the stage has a lock called "monitor"
                report = run_monitor.with_options(task_run_name="monitor")(file)
                artifacts.publish_monitor(report, name_report(table=file is not None))
                if file is None:  # a table is not the traffic of the model
                    _publish_events_and_alert(report)
    except SatietyError as error:
        return Failed(message=str(error))
    return Completed(message=report["sentence"]["en"])


@task(retry_condition_fn=is_transient, **RETRIES)
def run_monitor(table: Path | None) -> dict[str, Any]:
    """Run `tasks.monitor` in a subprocess; return its report."""
    arguments = ["--table", str(table)] if table else []
    execute("monitor", python("tasks.monitor", *arguments), build_environment())
    return artifacts.read_report(name_report(table=table is not None))


def _publish_events_and_alert(report: Mapping[str, Any]) -> None:
    """Emit the events; send an alert about harmful drift, or that it is resolved."""
    verdict, facts = report["verdict"], {name: report[name] for name in EVENT_FIELDS if name in report}
    events.emit(events.VERDICT, Path(), facts)
    if verdict == "harmful drift":
        events.emit(events.HARMFUL, Path(), facts)
    if verdict in SEVERITIES:
        page = (Path.cwd() / REPORTS / f"{name_report(table=False)}.html").as_uri()
        alert = Alert(f"drift in {Path.cwd()}", SEVERITIES[verdict], verdict, report["sentence"]["en"], page, facts)
        send(alert, get_run_logger())


if __name__ == "__main__":
    run(monitor)
