"""Load ``.satiety/services.env`` into the environment, so that commands use the services started by `satiety up`.

A variable that is already set disables its whole group: the generated password is only sent to the generated address.
"""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE

SERVICES = STATE / "services.env"
"""Addresses and passwords of the services, as a shell script with mode 0600."""
LOCK = STATE / "services.lock"
"""Lock of the running services. A record lock of fcntl: children do not inherit it, unlike the lock of `filelock`."""
NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
}
"""Variables that disable telemetry. The new UI of Prefect 3.8 always contacts amplitude.com, so the old one is used."""
VARIABLE_GROUPS = (
    ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"),
    ("SATIETY_TRACKING_URI", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
)
"""Groups of variables that are only valid together."""


def is_running(root: Path) -> bool:
    """Return whether this project's services are running."""
    try:
        with (root / LOCK).open("r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


def join_services() -> None:
    """Set the variables of the project's services, if they are running, for this process and its children."""
    root = project_root()
    if not Settings().join or not is_running(root):
        return
    variables = read(root)
    for names in VARIABLE_GROUPS:
        if not any(os.environ.get(name) for name in names):
            os.environ.update({name: variables[name] for name in names if name in variables})


def read(root: Path) -> dict[str, str]:
    """Return the variables of the file; empty if the file is missing."""
    path = root / SERVICES
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    pairs = (line.removeprefix("export ").partition("=") for line in lines if line.startswith("export "))
    return {name: value for name, _, value in pairs}


def write(root: Path, variables: Mapping[str, str]) -> None:
    """Replace the file; it is created with mode 0600."""
    head = f"# Made by `satiety up`. To use the services from a shell: source {SERVICES}\n"
    text = head + "".join(f"export {name}={value}\n" for name, value in variables.items())
    write_private(root / SERVICES, text)


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600 atomically; its folder must exist."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
