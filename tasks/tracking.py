"""A connection to MLflow: where it is, its store made whole or not at all, its errors in one line, a run by its key.

Importing this module does not import MLflow; `connect` does.
"""

import errno
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from satiety.core.errors import SetupError
from satiety.core.files import write_atomically, write_text
from satiety.core.secrets import redact_secrets
from satiety.core.services import join_services
from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE, prepare_state
from satiety.core.state_files import read_state
from tasks.outbox import parse_key

LOCATIONS = STATE / "arrived"
"""Where each of the newest runs is in MLflow: a small file per key."""
MAX_LOCATIONS = 500
"""Files of that kind that are kept, the newest."""
RUN_TAG = "satiety.run"
"""MLflow tag with the key of a run, the name of its folder in the outbox."""
PARENT_TAG = "mlflow.parentRunId"
DATABASE = "mlflow.db"
"""The SQLite store in the root of a project."""
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""What MLflow's client can write to without a server between."""
DISK_FULL = ("database or disk is full", "No space left on device", "DiskFull")
"""What an error says that comes of a full disk: of SQLite, of the system, of PostgreSQL."""
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "PGCONNECT_TIMEOUT": "10",
}
"""What MLflow is told before it is loaded, where the environment does not say otherwise."""


class TrackingError(SetupError):
    """MLflow does not answer. What was measured is kept, and delivered once it does."""

    code = os.EX_TEMPFAIL


class StoreFullError(TrackingError):
    """MLflow's store cannot be written. What was measured is kept all the same."""

    code = 1


def tracking_uri() -> str:
    """Return where MLflow is: the setting, MLflow's own variable, or a SQLite file in the project's root."""
    default = f"sqlite:///{project_root() / DATABASE}"
    return Settings().tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


def format_ui_command(folder: Path) -> str:
    """Return the command that shows the project's SQLite store when it is run in a folder."""
    database = os.path.relpath(project_root(folder) / DATABASE, folder)
    return f"mlflow ui --backend-store-uri sqlite:///{Path(database).as_posix()}"


def connect() -> Any:
    """Return MLflow's client, once its store has answered. Pickles are refused from here on.

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
    with translate_errors(), _lock():  # two at once would both make the experiment
        mlflow.set_tracking_uri(tracking_uri())
        mlflow.set_experiment(experiment_id=_find_or_create_experiment(mlflow.MlflowClient()))
    return mlflow.MlflowClient()


def make_store(url: str) -> None:
    """Make MLflow's tables, all or none, where they are to be in a SQLite file that is not there yet.

    MLflow itself makes them in place, one by one, and can never use what a kill or a full disk leaves of that.

    Raises:
        TrackingError: the file cannot be written.
    """
    name = url.partition("///")[2]
    if _parse_scheme(url) != "sqlite" or name.startswith((":", "file:")) or _has_content(Path(name)):
        return
    quieten()
    from mlflow.db import upgrade

    with translate_errors(), _lock():
        if _has_content(Path(name)):  # another process was faster
            return
        try:
            with write_atomically(Path(name)) as temporary:
                upgrade.main([f"sqlite:///{temporary}"], standalone_mode=False)
        except SetupError as error:
            raise (StoreFullError if _is_disk_full(error) else TrackingError)(f"MLflow's store {error}") from None


def quieten() -> None:
    """Configure MLflow before its first import: no telemetry, no pickles, no messages that repeat ours, no long wait.

    MLflow tries a database that is down for minutes, a number of times that is no setting of it.
    """
    for name, value in QUIET.items():
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
    """Turn what MLflow raises when its store does not answer into one clear error; its refusals pass through.

    Raises:
        TrackingError: the store does not answer, or the driver of its database is not installed.
        StoreFullError: it does, but its disk is full.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError  # as it is while MLflow makes its tables

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        if is_refusal(error):
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


def begin(client: Any, key: str, parent: str | None) -> str:
    """Return the id of the MLflow run of a stage, made where it is not there yet, and its parent's before it."""
    parent_id = find_or_create_run(client, parent) if parent else None
    return find_or_create_run(client, key, parent_id)


def find_or_create_run(client: Any, key: str, parent_id: str | None = None) -> str:
    """Return the id of the MLflow run with this key; make it, where need be, for its own folder to fill later.

    A server that was slow may have made it more than once, for a request that is not answered in time is sent again.
    """
    with _lock():  # two at once would both make it
        experiment = _find_or_create_experiment(client)
        location = find_location(key) or {}
        runs = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{key}'")
        if not runs:
            start, name = parse_key(key)
            tags = {RUN_TAG: key} | ({PARENT_TAG: parent_id} if parent_id else {})
            runs = [client.create_run(experiment, start_time=start, tags=tags, run_name=name)]
        runs = sorted(runs, key=lambda run: (-len(run.data.tags), run.info.run_id))
        first = next((run for run in runs if location.get("run_id") == run.info.run_id), runs[0])
        for duplicate in runs:
            if duplicate is not first:
                client.delete_run(duplicate.info.run_id)
    run_id = str(first.info.run_id)
    _save_location(key, {"run_id": run_id, "url": _run_page(run_id, experiment)})
    return run_id


def find_location(key: str) -> dict[str, Any] | None:
    """Return the ``run_id`` of a key in MLflow and the ``url`` of its page; None where it has not arrived, or long ago.

    The URL is None where MLflow is no server; it contains no user and no password.
    """
    return read_state(LOCATIONS / f"{key}.json", {"run_id": str, "url": str | None})


def _save_location(key: str, location: Mapping[str, Any]) -> None:
    """Note where a run is in MLflow; forget the oldest notes."""
    if find_location(key) != location:
        write_text(LOCATIONS / f"{key}.json", json.dumps(location) + "\n")
        for note in sorted(LOCATIONS.glob("*.json"))[:-MAX_LOCATIONS]:
            note.unlink(missing_ok=True)


def _run_page(run_id: str, experiment: str) -> str | None:
    """Return the address of a run's page, where MLflow is a server."""
    uri = redact_secrets(tracking_uri()).rstrip("/")
    return f"{uri}/#/experiments/{experiment}/runs/{run_id}" if uri.startswith(("http://", "https://")) else None


def _find_or_create_experiment(client: Any) -> str:
    """Return the id of our experiment, made where it is not there yet; its artifacts lie in the project's root."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "satiety")
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        local = _parse_scheme(tracking_uri()) in DATABASES  # no server that would take them
        artifacts = (project_root() / "mlartifacts").as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=artifacts))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _parse_scheme(url: str) -> str:
    """Return what a URL leads to: ``http``, or the database's kind without its driver."""
    return url.partition(":")[0].partition("+")[0]


def is_refusal(error: BaseException) -> bool:
    """Return whether MLflow answered, and did not like what it was given."""
    return getattr(error, "error_code", None) in {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST"}


def _is_disk_full(error: BaseException) -> bool:
    """Return whether a disk is full: that of a SQLite store, that of a database server, or that of the artifacts."""
    return getattr(error, "errno", None) == errno.ENOSPC or any(sign in str(error) for sign in DISK_FULL)


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _lock() -> FileLock:
    """Return the lock of what MLflow must have once: its tables, our experiment, the run of a key."""
    return FileLock(prepare_state(project_root()) / "mlflow.lock")
