"""Spool files -> MLflow: one run per stage that really ran, exactly once.

A stage never talks to MLflow itself: it spools what it measured (`spool.py`), and ``deliver`` replays finished files,
in order and in batches, when MLflow is at hand (`register` and `promote` have it loaded anyway). So no stage pays for
MLflow's import, and none fails because it is down.

A run carries its spool file's key as a tag, a point its step and time: a replay that was cut off is taken up by the
next one, and what is there already is not written twice. A file is removed only when all of it has arrived.
"""

import fcntl
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from satiety.errors import SetupError
from satiety.services import join
from satiety.settings import Settings, project_root
from tasks.spool import SPOOL, Run, finished, read, tracked

RUN_TAG = "satiety.run"
"""MLflow tag that holds the spool file's key."""
METRICS, OTHERS = 1000, 100
"""Metrics, and params or tags, per request: the most that MLflow's `log_batch` takes."""
TAG, PARAM = 5000, 6000
"""Characters that MLflow keeps of a tag's and of a param's value."""
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
"""What MLflow is told before it is loaded, where the environment does not say otherwise."""
log = logging.getLogger(__name__)

__all__ = ["Run", "TrackingError", "begin", "connect", "deliver", "reached", "tracked", "tracking_uri"]


class TrackingError(SetupError):
    """MLflow does not answer. What was measured is kept, and delivered once it does."""


def tracking_uri() -> str:
    """Return where MLflow is: the setting, MLflow's own variable, or a SQLite file in the project's root."""
    default = f"sqlite:///{project_root() / 'mlflow.db'}"
    return Settings().tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


def connect() -> Any:
    """Return MLflow's client, once its store has answered. Pickles are refused from here on.

    Raises:
        TrackingError: MLflow is not installed, or does not answer.
    """
    join()
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it tells of every retry; the last word is ours
    try:
        import mlflow
    except ImportError:
        raise TrackingError("MLflow is not installed: pip install 'satiety[pipeline]'") from None
    with reached(), _locked(project_root() / ".satiety" / "mlflow.lock"):  # two at once would both make the tables
        mlflow.set_tracking_uri(tracking_uri())
        mlflow.set_experiment(experiment_id=_experiment(mlflow.MlflowClient()))
    return mlflow.MlflowClient()


@contextmanager
def reached() -> Iterator[None]:
    """Turn what MLflow raises when its store does not answer into one clear error; its refusals pass through."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        if _refused(error):
            raise
        where = re.sub(r"//[^@/]*@", "//", tracking_uri())  # no password in a message
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise TrackingError(
            f"MLflow at {where} does not answer: {re.sub(r'//[^@/]*@', '//', reason)}; "
            "start it, or set SATIETY_TRACKING_URI to where it is"
        ) from None


def begin(client: Any, head: Mapping[str, Any]) -> str:
    """Return the id of the MLflow run of a spooled run, made where it is not there yet."""
    experiment = _experiment(client)
    there = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{head['run']}'", max_results=1)
    if there:
        return str(there[0].info.run_id)
    tags = {RUN_TAG: head["run"], "satiety.stage": head["stage"], "satiety.workspace": head["workspace"]}
    tags |= {f"satiety.{name}": value for name, value in head["settings"].items()}
    if head["parent"]:
        tags["mlflow.parentRunId"] = head["parent"]
    run = client.create_run(experiment, start_time=head["start"], tags=tags, run_name=head["stage"])
    return str(run.info.run_id)


def deliver() -> int:
    """Replay every finished spool file of this workspace; return how many arrived. One process does it at a time.

    Where MLflow does not answer, the rest stays for the next time, and one warning says so.
    """
    if not finished():
        return 0
    count = 0
    with _locked(SPOOL / "deliver.lock"):
        waiting = finished()
        try:
            client = connect()
            for path in waiting:
                with reached():
                    count += _replay(client, path)
        except TrackingError as error:
            log.warning("%s. %d runs wait in %s", error, len(waiting) - count, SPOOL)
    return count


def _replay(client: Any, path: Path) -> bool:
    """Write one file to MLflow, then remove it; put it aside where MLflow refuses what is in it."""
    from mlflow.exceptions import MlflowException

    try:
        head, *lines = read(path)
        _write(client, begin(client, head), head, lines)
    except (MlflowException, ValueError, KeyError) as error:
        if isinstance(error, MlflowException) and not _refused(error):
            raise
        aside = path.with_suffix(".refused")
        path.rename(aside)
        log.warning("%s: MLflow refuses it, so it is left aside: %s", aside, str(error).splitlines()[0][:300])
        return False
    path.unlink()
    return True


def _write(client: Any, run_id: str, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    from mlflow.entities import Metric, Param, RunTag

    points = [Metric(line["metric"], line["value"], line["time"], line["step"]) for line in lines if "metric" in line]
    params = [Param(name, value[:PARAM]) for name, value in head["params"].items()]
    tags = [RunTag(line["tag"], line["value"][:TAG]) for line in lines if "tag" in line]
    originals = {line["metric"]: line["name"] for line in lines if "name" in line}
    tags += [RunTag(f"satiety.name.{safe}", name[:TAG]) for safe, name in originals.items()]
    for some in _batches(params, OTHERS):
        client.log_batch(run_id, params=some)
    for some in _batches(tags, OTHERS):
        client.log_batch(run_id, tags=some)
    for some in _batches(points, METRICS):
        client.log_batch(run_id, metrics=some)
    end = next((line for line in lines if "end" in line), None)
    if end:
        client.set_terminated(run_id, status=end["status"], end_time=end["end"])


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _experiment(client: Any) -> str:
    """Return the id of our experiment, made where it is not there yet; its artifacts lie in the project's root."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "satiety")
    found = client.get_experiment_by_name(name)
    if found is None:
        local = tracking_uri().startswith("sqlite:")
        artifacts = (project_root() / "mlartifacts").as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=artifacts))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _refused(error: BaseException) -> bool:
    """Return whether MLflow answered, and did not like what it was given."""
    return getattr(error, "error_code", None) in {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST"}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock among processes; wait for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
