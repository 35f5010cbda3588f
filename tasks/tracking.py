"""Connection to MLflow: its address, its tables, its errors as one line, and its runs by their keys.

Importing this module does not import MLflow; `connect` does.
"""

import errno
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from satiety.core.errors import SetupError
from satiety.core.files import write_atomically, write_text
from satiety.core.secrets import redact_secrets
from satiety.core.services import NO_TELEMETRY, join_services
from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE, prepare_state
from satiety.core.state_files import read_state
from tasks.outbox import parse_key

LOCATIONS = STATE / "arrived"
"""Folder of the newest runs' addresses in MLflow, one file for each key."""
MAX_LOCATIONS = 500
"""Maximum number of these files; the oldest are deleted."""
RUN_TAG = "satiety.run"
"""MLflow tag with the key of a run, the name of its folder in the outbox."""
PARENT_TAG = "mlflow.parentRunId"
DATABASE = "mlflow.db"
"""The SQLite store in the root of a project."""
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""Databases that MLflow's client can use without a server."""
DISK_FULL = ("database or disk is full", "No space left on device", "DiskFull")
"""Signs of a full disk in error messages of SQLite, the system and PostgreSQL."""
MLFLOW_DEFAULTS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "PGCONNECT_TIMEOUT": "10",
}
"""Defaults for MLflow's environment variables, set before it is imported."""


class TrackingError(SetupError):
    """MLflow does not answer. The runs stay in the outbox until it does."""

    code = os.EX_TEMPFAIL


class StoreFullError(TrackingError):
    """The disk of MLflow's store is full. The runs stay in the outbox."""

    code = 1


def tracking_uri() -> str:
    """Return MLflow's address: the setting, MLflow's own variable, or a SQLite file in the project's root."""
    default = f"sqlite:///{project_root() / DATABASE}"
    return Settings().tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


def format_ui_command(folder: Path) -> str:
    """Return the command that shows the project's SQLite store when it is run in a folder."""
    database = os.path.relpath(project_root(folder) / DATABASE, folder)
    return f"mlflow ui --backend-store-uri sqlite:///{Path(database).as_posix()}"


def connect() -> Any:
    """Return MLflow's client after its store has answered. From now on MLflow refuses pickles.

    Raises:
        TrackingError: MLflow is not installed, or does not answer.
    """
    join_services()
    quieten()
    try:
        import mlflow
    except ImportError:
        raise TrackingError("MLflow is not installed: pip install 'satiety[pipeline]'") from None
    make_store(tracking_uri())
    with translate_errors(), _lock():  # two processes would both create the experiment
        mlflow.set_tracking_uri(tracking_uri())
        mlflow.set_experiment(experiment_id=_find_or_create_experiment(mlflow.MlflowClient()))
    return mlflow.MlflowClient()


def make_store(url: str) -> None:
    """Create MLflow's tables, all or none, if its store is a SQLite file that does not exist yet.

    MLflow itself creates them one by one in place, and cannot use the file if a kill or a full disk interrupts that.

    Raises:
        TrackingError: the file cannot be written.
    """
    name = url.partition("///")[2]
    if _parse_scheme(url) != "sqlite" or name.startswith((":", "file:")) or _has_content(Path(name)):
        return
    quieten()
    from mlflow.db import upgrade

    with translate_errors(), _lock():
        if _has_content(Path(name)):  # another process has created it
            return
        try:
            with write_atomically(Path(name)) as temporary:
                upgrade.main([f"sqlite:///{temporary}"], standalone_mode=False)
        except SetupError as error:
            raise (StoreFullError if _is_disk_full(error) else TrackingError)(f"MLflow's store {error}") from None


def quieten() -> None:
    """Configure MLflow before its first import: no telemetry, no pickles, no repeated messages, short waits.

    MLflow retries a database that is down for minutes; no setting changes that, so its constant is replaced.
    """
    for name, value in (NO_TELEMETRY | MLFLOW_DEFAULTS).items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    levels = {"alembic": logging.WARNING, "mlflow.store.db.utils": logging.CRITICAL, "urllib3": logging.ERROR}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    with suppress(ImportError):
        import mlflow.store.db.utils

        mlflow.store.db.utils.MAX_RETRY_COUNT = 1


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise one clear error if MLflow's store does not answer; its rejections of a request pass unchanged.

    Raises:
        TrackingError: the store does not answer, or the driver of its database is not installed.
        StoreFullError: the disk of the store is full.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError  # raised while MLflow creates its tables

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        if is_rejection(error):
            raise
        uri, text = redact_secrets(tracking_uri()), str(error) or type(error).__name__
        if _is_disk_full(error):
            message = f"MLflow's store {uri}: cannot write: no space left on its disk; free some, then run this again"
            raise StoreFullError(message) from None
        advice = "start it, or set SATIETY_TRACKING_URI to where it is"
        if isinstance(error, ImportError):
            advice = "the extra `postgres` brings psycopg: write postgresql+psycopg://…"
        reason = redact_secrets(text.splitlines()[0][:300])
        raise TrackingError(f"MLflow at {uri} does not answer: {reason}; {advice}") from None


def find_or_create_with_parent(client: Any, key: str, parent: str | None) -> str:
    """Return the id of the MLflow run with this key; create its parent's run and itself if they do not exist."""
    parent_id = find_or_create_run(client, parent) if parent else None
    return find_or_create_run(client, key, parent_id)


def find_or_create_run(client: Any, key: str, parent_id: str | None = None) -> str:
    """Return the id of the MLflow run with this key; create it if it does not exist, to be completed later."""
    with _lock():  # two processes would both create it
        experiment = _find_or_create_experiment(client)
        runs = _search_runs(client, experiment, key)
        if not runs:
            start, name = parse_key(key)
            tags = {RUN_TAG: key} | ({PARENT_TAG: parent_id} if parent_id else {})
            runs = [client.create_run(experiment, start_time=start, tags=tags, run_name=name)]
        run_id = _keep_one(client, key, runs)
    _save_location(key, {"run_id": run_id, "url": _run_page(run_id, experiment)})
    return run_id


def delete_duplicates(client: Any, keys: Sequence[str]) -> None:
    """Delete all runs with each of these keys except one.

    A slow server creates a run more than once: MLflow's client repeats a request that is not answered in time.
    """
    with _lock():
        experiment = _find_or_create_experiment(client)
        for key in keys:
            _keep_one(client, key, _search_runs(client, experiment, key))


def _search_runs(client: Any, experiment: str, key: str) -> list[Any]:
    """Return the runs with this key, those with the most tags first."""
    runs = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{key}'")
    return sorted(runs, key=lambda run: (-len(run.data.tags), run.info.run_id))


def _keep_one(client: Any, key: str, runs: Sequence[Any]) -> str:
    """Delete all of these runs except the known one, or else the first; return its id."""
    ids = [str(run.info.run_id) for run in runs]
    location = find_location(key) or {}
    kept = location["run_id"] if location.get("run_id") in ids else ids[0]
    for run_id in ids:
        if run_id != kept:
            client.delete_run(run_id)
    return kept


def find_location(key: str) -> dict[str, Any] | None:
    """Return the ``run_id`` of a key in MLflow and the ``url`` of its page; None for an unpublished or an old run.

    The URL is None without a server; it contains no user and no password.
    """
    return read_state(LOCATIONS / f"{key}.json", {"run_id": str, "url": str | None})


def _save_location(key: str, location: Mapping[str, Any]) -> None:
    """Save the address of a run in MLflow; delete the oldest ones."""
    if find_location(key) != location:
        write_text(LOCATIONS / f"{key}.json", json.dumps(location) + "\n")
        for note in sorted(LOCATIONS.glob("*.json"))[:-MAX_LOCATIONS]:
            note.unlink(missing_ok=True)


def _run_page(run_id: str, experiment: str) -> str | None:
    """Return the address of a run's page; None without a server."""
    uri = redact_secrets(tracking_uri()).rstrip("/")
    return f"{uri}/#/experiments/{experiment}/runs/{run_id}" if uri.startswith(("http://", "https://")) else None


def _find_or_create_experiment(client: Any) -> str:
    """Return the id of our experiment; create it if it does not exist, with its artifacts in the project's root."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "satiety")
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        local = _parse_scheme(tracking_uri()) in DATABASES  # without a server, the client writes the artifacts
        artifacts = (project_root() / "mlartifacts").as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=artifacts))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _parse_scheme(url: str) -> str:
    """Return the scheme of a URL: ``http``, or the kind of database without its driver."""
    return url.partition(":")[0].partition("+")[0]


def is_rejection(error: BaseException) -> bool:
    """Return whether MLflow answered and rejected the request."""
    return getattr(error, "error_code", None) in {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST"}


def _is_disk_full(error: BaseException) -> bool:
    """Return whether the disk of a SQLite store, of a database server or of the artifacts is full."""
    return getattr(error, "errno", None) == errno.ENOSPC or any(sign in str(error) for sign in DISK_FULL)


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _lock() -> FileLock:
    """Return the lock of everything that must exist once in MLflow: its tables, our experiment, the run of a key."""
    return FileLock(prepare_state(project_root()) / "mlflow.lock")
