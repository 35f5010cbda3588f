"""``.satiety/services.env`` -> the environment: what runs beside the services that `satiety up` started uses them.

A variable that is set already wins, and with it all that belongs to it: our password goes to no address but ours.
"""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE

SERVICES = STATE / "services.env"
"""Addresses and passwords of the services, for a shell to source; readable by its owner alone."""
LOCK = STATE / "services.lock"
"""Held by the runner as long as it lives. A record lock: its children do not inherit it, a kill drops it."""
VARIABLE_GROUPS = (
    ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"),
    ("SATIETY_TRACKING_URI", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
)
"""Variables that make sense only together."""


def is_running(root: Path) -> bool:
    """Return whether a runner lives that holds this project's services."""
    try:
        with (root / LOCK).open("r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


def join_services() -> None:
    """Let this process and its children use the project's services, where they run."""
    root = project_root()
    if not Settings().join or not is_running(root):
        return
    variables = read(root)
    for names in VARIABLE_GROUPS:
        if not any(os.environ.get(name) for name in names):
            os.environ.update({name: variables[name] for name in names if name in variables})


def read(root: Path) -> dict[str, str]:
    """Return the variables of the file; none where there is no file."""
    path = root / SERVICES
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    pairs = (line.removeprefix("export ").partition("=") for line in lines if line.startswith("export "))
    return {name: value for name, _, value in pairs}


def write(root: Path, variables: Mapping[str, str]) -> None:
    """Write the file anew, from its first byte on for its owner alone."""
    head = f"# Made by `satiety up`. To use the services from a shell: source {SERVICES}\n"
    text = head + "".join(f"export {name}={value}\n" for name, value in variables.items())
    write_private(root / SERVICES, text)


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may ever read, at once or not at all; its folder is there."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
