"""Emit monitoring results as events of the Prefect server, which trigger its automations."""

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VERDICT = "satiety.drift.verdict"
"""Emitted after each monitoring run."""
HARMFUL = "satiety.drift.harmful"
"""Emitted after harmful drift; an automation starts retraining (`flows/automations.py`)."""
log = logging.getLogger(__name__)


def emit(event: str, workspace: Path, facts: Mapping[str, Any]) -> None:
    """Emit an event in the background; an unreachable server causes a warning, never a failed flow.

    Args:
        event: `VERDICT` or `HARMFUL`.
        workspace: folder that the event is about, and in which automations run.
        facts: results, JSON-serialisable.
    """
    from prefect.events import emit_event
    from prefect.exceptions import EventTooLarge

    folder = workspace.resolve()
    resource = {"prefect.resource.id": derive_project_id(folder), "prefect.resource.name": folder.name}
    try:
        emit_event(event, resource, payload={**facts, "workspace": str(folder)})
    except EventTooLarge as error:
        log.error("event %s was not sent: %s", event, error)


def derive_project_id(folder: Path) -> str:
    """Return the resource id of a folder in events."""
    slug = re.sub(r"\W+", "-", folder.name).strip("-").lower()
    return f"satiety.project.{slug}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
