"""Spool files -> MLflow: one run per stage that really ran, exactly once.

A stage never talks to MLflow itself: it spools what it measured (`spool.py`), and ``deliver`` replays finished files,
in order and in batches, when MLflow is at hand (`register` and `promote` have it loaded anyway). So no stage pays for
MLflow's import, and none fails because it is down.

A run carries its spool file's key as a tag, a point its step and time: a replay that was cut off is taken up by the
next one, and what is there already is not written twice. A file is removed only when all of it has arrived. A run whose
parent has not arrived makes a place for it, which the parent's own file fills later.

python -m tasks.tracking        delivers what waits in the workspace
"""

import errno
import fcntl
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from satiety.core.errors import DamagedError, SetupError
from satiety.core.files import write_atomically
from satiety.core.secrets import redact_secrets
from satiety.core.services import join_services
from satiety.core.settings import Settings, project_root
from satiety.core.state import prepare_state
from satiety.core.state_files import rename_damaged
from tasks import spool
from tasks.replay import replay
from tasks.spool import SPOOL, Run, RunLocation, locate_artifacts, track_run
from tasks.spool_reader import close_and_list, read

RUN_TAG = "satiety.run"
"""MLflow tag that holds the spool file's key."""
PARENT_TAG = "mlflow.parentRunId"
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
}
"""What MLflow is told before it is loaded, where the environment does not say otherwise."""
log = logging.getLogger(__name__)

__all__ = [
    "Run",
    "TrackingError",
    "begin",
    "connect",
    "deliver",
    "hold_file_lock",
    "track_run",
    "tracking_uri",
    "translate_errors",
]


class TrackingError(SetupError):
    """MLflow does not answer. What was measured is kept, and delivered once it does."""

    code = os.EX_TEMPFAIL


class StoreFullError(TrackingError):
    """MLflow's store cannot be written. What was measured is kept all the same."""

    code = 1


def tracking_uri() -> str:
    """Return where MLflow is: the setting, MLflow's own variable, or a SQLite file in the project's root."""
    default = f"sqlite:///{project_root() / 'mlflow.db'}"
    return Settings().tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


def connect() -> Any:
    """Return MLflow's client, once its store has answered. Pickles are refused from here on.

    Raises:
        TrackingError: MLflow is not installed, or does not answer.
    """
    join_services()
    _quieten()
    try:
        import mlflow
    except ImportError:
        raise TrackingError("MLflow is not installed: pip install 'satiety[pipeline]'") from None
    check_database(tracking_uri())
    make_store(tracking_uri())
    with translate_errors(), hold_file_lock(_lock_path()):  # two at once would both make the experiment
        mlflow.set_tracking_uri(tracking_uri())
        mlflow.set_experiment(experiment_id=_find_or_create_experiment(mlflow.MlflowClient()))
    return mlflow.MlflowClient()


def make_store(url: str) -> None:
    """Make MLflow's tables, all or none, where they are to be in a SQLite file that is not there yet.

    MLflow itself makes them in place, one by one, and can never use what a kill or a full disk leaves of that.

    Raises:
        TrackingError: the file cannot be written.
    """
    if _find_missing_store(url) is None:
        return
    _quieten()
    from mlflow.db import upgrade

    with translate_errors(), hold_file_lock(_lock_path()):
        path = _find_missing_store(url)  # nobody was faster
        if path:
            try:
                with write_atomically(path) as temporary:
                    upgrade.main([f"sqlite:///{temporary}"], standalone_mode=False)
            except SetupError as error:
                raise (StoreFullError if _is_disk_full(error) else TrackingError)(f"MLflow's store {error}") from None


def _find_missing_store(url: str) -> Path | None:
    """Return the SQLite file that a URL names, where there is nothing in it yet; else None."""
    if _parse_scheme(url) != "sqlite":
        return None
    import sqlalchemy

    name = sqlalchemy.make_url(url).database
    if not name or name.startswith((":", "file:")):  # in memory, or an address of SQLite's own
        return None
    path = Path(name)
    return None if path.is_file() and path.stat().st_size else path


def _quieten() -> None:
    """Let MLflow load without telling anybody anything, and say nothing that we say ourselves."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # the traceback of what is raised anyway
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it tells of every retry; the last word is ours


def check_database(url: str) -> None:
    """Knock at a database server once: MLflow itself would knock for minutes, and complain of each time.

    Raises:
        TrackingError: it does not answer within ten seconds, or what speaks with it is not installed.
    """
    if _parse_scheme(url) not in DATABASES[1:]:
        return
    import sqlalchemy

    connect_args = {} if _parse_scheme(url) == "mssql" else {"connect_timeout": 10}
    try:
        engine = sqlalchemy.create_engine(url, connect_args=connect_args)
        engine.connect().close()
        engine.dispose()
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{redact_secrets(url)}: needs {error.name}, which is not installed; the extra `postgres` brings psycopg: "
            "write postgresql+psycopg://…"
        ) from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = redact_secrets(str(error).splitlines()[0])
        raise TrackingError(f"MLflow's database at {redact_secrets(url)} does not answer: {reason}") from None


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what MLflow raises when its store does not answer into one clear error; its refusals pass through.

    Raises:
        TrackingError: the store does not answer.
        StoreFullError: it does, but its disk is full.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError  # as it is while MLflow makes its tables

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        if _is_refusal(error):
            raise
        uri = redact_secrets(tracking_uri())
        if _is_disk_full(error):
            raise StoreFullError(
                f"MLflow's store {uri}: cannot write: no space left on its disk; free some, then run this again"
            ) from None
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise TrackingError(
            f"MLflow at {uri} does not answer: {redact_secrets(reason)}; "
            "start it, or set SATIETY_TRACKING_URI to where it is"
        ) from None


def begin(client: Any, head: Mapping[str, Any]) -> str:
    """Return the id of the MLflow run of a spooled run, made where it is not there yet, and its parent's before it."""
    parent_id = _find_or_create_run(client, head["parent"], None) if head["parent"] else None
    return _find_or_create_run(client, head["run"], parent_id)


def _find_or_create_run(client: Any, key: str, parent_id: str | None) -> str:
    """Return the id of the MLflow run with this key; make it, where need be, as a place that its own file fills later.

    A server that was slow may have made it more than once, for a request that is not answered in time is sent again.
    """
    with hold_file_lock(_lock_path()):  # two at once would both make it
        experiment = _find_or_create_experiment(client)
        location = spool.find_location(key)
        runs = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{key}'")
        if not runs:
            start, name = spool.parse_key(key)
            tags = {RUN_TAG: key} | ({PARENT_TAG: parent_id} if parent_id else {})
            runs = [client.create_run(experiment, start_time=start, tags=tags, run_name=name)]
        runs = sorted(runs, key=lambda run: (-len(run.data.tags), run.info.run_id))
        first = next((run for run in runs if location and location.run_id == run.info.run_id), runs[0])
        for duplicate in runs:
            if duplicate is not first:
                client.delete_run(duplicate.info.run_id)
    spool.save_location(key, RunLocation(first.info.run_id, experiment, _run_page(first.info.run_id, experiment)))
    return str(first.info.run_id)


def _run_page(run_id: str, experiment: str) -> str | None:
    """Return where a person reads of a run, if MLflow is a server."""
    uri = redact_secrets(tracking_uri()).rstrip("/")
    return f"{uri}/#/experiments/{experiment}/runs/{run_id}" if uri.startswith(("http://", "https://")) else None


def deliver() -> int:
    """Replay every finished spool file of this workspace; return how many arrived. One process does it at a time.

    Where MLflow does not answer, or a disk is full, the rest stays for the next time, and one warning says so.
    """
    paths = close_and_list()
    if not paths:
        return 0
    count = 0
    try:
        with hold_file_lock(SPOOL / "deliver.lock"):
            paths = close_and_list()
            client = connect()
            for path in paths:
                with translate_errors():
                    count += _replay(client, path)
    except (SetupError, OSError) as error:
        log.warning("%s. %d runs wait in %s", error, len(paths) - count, SPOOL)
    return count


def _replay(client: Any, path: Path) -> bool:
    """Write one file to MLflow, then remove it; put it aside where it is damaged, or MLflow refuses it, twice.

    Twice, because a refusal may be another writer's doing: two that make the same data set at once, for one.
    """
    from mlflow.exceptions import MlflowException

    for is_last in (False, True):
        try:
            head, *lines = read(path)
            replay(client, begin(client, head), path, head, lines)
            begin(client, head)  # a run that a slow server made again meanwhile goes
        except DamagedError as error:
            rename_damaged(path, error)
            return False
        except (MlflowException, ValueError, KeyError) as error:
            if isinstance(error, MlflowException) and not _is_refusal(error):
                raise
            if is_last:
                refused_path = path.with_suffix(".refused")
                path.rename(refused_path)
                log.warning(
                    "%s: MLflow refuses it, so it is left aside: %s", refused_path, str(error).splitlines()[0][:300]
                )
        else:
            shutil.rmtree(locate_artifacts(path), ignore_errors=True)
            path.unlink()
            return True
    return False


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


def _is_refusal(error: BaseException) -> bool:
    """Return whether MLflow answered, and did not like what it was given."""
    return getattr(error, "error_code", None) in {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST"}


def _is_disk_full(error: BaseException) -> bool:
    """Return whether a disk is full: that of a SQLite store, that of a database server, or that of the artifacts."""
    return getattr(error, "errno", None) == errno.ENOSPC or any(sign in str(error) for sign in DISK_FULL)


def _lock_path() -> Path:
    """Return the file that is locked while something is made in MLflow of which there must be one."""
    return prepare_state(project_root()) / "mlflow.lock"


@contextmanager
def hold_file_lock(path: Path) -> Iterator[None]:
    """Hold a lock among processes, a file in a folder that is there; wait for it."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    deliver()
