"""Whether the last promotion still stands: the same package, test examples and params, and a registry as it left it.

To load MLflow takes two seconds, which a flow over a cached pipeline can do without: of a SQLite store the file's stamp
tells whether anything happened since, of a server its aliases. Of any other store nothing is known, and `promote` runs.
"""

import base64
import json
import os
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from satiety.core.errors import SatietyError
from satiety.core.files import sha256, write_text
from satiety.core.state import STATE
from satiety.package import Register
from satiety.package.contents import MANIFEST
from satiety.promotion import Promote
from tasks.paths import find_paths
from tasks.tracking import tracking_uri

STATE_FILE = STATE / "promoted.json"
TIMEOUT = 5.0
"""Seconds that a server has to answer."""


def is_up_to_date() -> bool:
    """Return whether `promote` would find everything as the last time, and so decide nothing new."""
    try:
        return bool(json.loads(STATE_FILE.read_text(encoding="utf-8")) == _collect_state())
    except (SatietyError, OSError, ValueError, KeyError, TypeError):
        return False


def save_state() -> None:
    """Keep what the promotion that just ended saw, where it can be looked up again."""
    STATE_FILE.unlink(missing_ok=True)
    try:
        write_text(STATE_FILE, json.dumps(_collect_state()))
    except (SatietyError, OSError, ValueError, KeyError):
        return  # nothing is known of this store: `promote` runs again


def _collect_state() -> dict[str, Any]:
    package, test, fresh = find_paths("package", "test", "fresh")
    return {
        "package": sha256(package / MANIFEST),
        "test": sha256(test),
        "fresh": sha256(fresh) if fresh.is_file() else None,
        "params": Promote.load().model_dump(mode="json"),
        "registry": _read_registry(tracking_uri(), Register.load().name),
    }


def _read_registry(uri: str, name: str) -> Any:
    """Return what changes when somebody moves an alias.

    Raises:
        OSError: there is no such file, or no server answers.
        ValueError: the store is of a kind that cannot be looked into.
    """
    scheme, _, location = uri.partition("://")
    if scheme == "sqlite":
        stamps = [path.stat() for path in (Path(location[1:]), Path(f"{location[1:]}-wal")) if path.exists()]
        return [uri, *([stamp.st_mtime_ns, stamp.st_size] for stamp in stamps)]
    if scheme not in ("http", "https"):
        raise ValueError(f"{scheme}: no way to look into it")
    request = urllib.request.Request(f"{uri.rstrip('/')}/api/2.0/mlflow/registered-models/get?name={quote(name)}")  # noqa: S310
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{field}", "") for field in ("USERNAME", "PASSWORD"))
    if user:
        request.add_header("Authorization", f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # http or https, as checked above
        model = json.loads(answer.read())["registered_model"]
    return [uri, sorted([alias["alias"], alias["version"]] for alias in model.get("aliases", []))]
