"""Hooks that alert when a deployed run fails or crashes, and resolve the alert when the next one completes.

@flow(name=..., **HOOKS)
"""

from typing import Any

from flows.alerts import Alert, Severity, send
from satiety.core.secrets import redact_secrets
from satiety.ingest.sanitise import mask_salvaged
from satiety.text.masking import KINDS

LENGTH = 1000
"""Maximum number of characters of a run's message; the log has all of it."""


def alert_failure(flow: Any, run: Any, state: Any) -> None:
    """Send an alert that a deployed run failed or crashed; a run by hand shows its error to the user."""
    if run.deployment_id:
        severity = Severity.CRITICAL if state.is_crashed() else Severity.WARNING
        _send(flow, run, severity, f"{flow.name}: the run {run.name} has {state.type.value.lower()}", state.message)


def alert_recovery(flow: Any, run: Any, _: Any) -> None:
    """Resolve the alert of an earlier run of this flow and folder, if there is one."""
    if run.deployment_id:
        _send(flow, run, Severity.RESOLVED, f"{flow.name}: the run {run.name} completed", None)


def _send(flow: Any, run: Any, severity: Severity, subject: str, message: str | None) -> None:
    from prefect.logging.loggers import flow_run_logger
    from prefect.utilities.urls import url_for

    folder = str(run.parameters.get("workspace", "."))
    text = mask_salvaged(redact_secrets(message or ""), KINDS)[-LENGTH:]
    facts = {"flow": flow.name, "run": run.name, "workspace": folder}
    alert = Alert(f"flow {flow.name} in {folder}", severity, subject, text, url_for("flow-run", run.id), facts)
    send(alert, flow_run_logger(run, flow))


HOOKS: dict[str, Any] = {
    "on_failure": [alert_failure],
    "on_crashed": [alert_failure],
    "on_completion": [alert_recovery],
}
