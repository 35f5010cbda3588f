"""What monitoring found -> an event of the Prefect server, which keeps it and lets automations act on it."""

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VERDICT = "satiety.drift.verdict"
"""Monitoring has ended, whatever it found."""
HARMFUL = "satiety.drift.harmful"
"""It found drift that costs score: `flows/automations.py` has it start retraining."""
log = logging.getLogger(__name__)


def emit(event: str, workspace: Path, facts: Mapping[str, Any]) -> None:
    """Tell the server. It is told in the background: one that does not answer is warned of, and fails no flow.

    Args:
        event: `VERDICT` or `HARMFUL`.
        workspace: the folder it is about; who acts on the event works there.
        facts: what was found, whatever JSON can hold.
    """
    from prefect.events import emit_event
    from prefect.exceptions import EventTooLarge

    folder = workspace.resolve()
    resource = {"prefect.resource.id": derive_project_id(folder), "prefect.resource.name": folder.name}
    try:
        emit_event(event, resource, payload={**facts, "workspace": str(folder)})
    except EventTooLarge as error:
        log.error("%s is not sent: %s", event, error)


def derive_project_id(folder: Path) -> str:
    """Return the id of the resource that events of a folder are about."""
    slug = re.sub(r"\W+", "-", folder.name).strip("-").lower()
    return f"satiety.core.project.{slug}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
