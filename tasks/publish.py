"""Folders of ``.satiety/outbox/`` -> MLflow: every run once, whole, and below its parent.

python -m tasks.publish             sends the waiting runs of this workspace
python -m tasks.publish --follow    repeats that every few seconds until it is stopped, so that curves grow in MLflow

An interrupted transfer starts again from the beginning of the folder: MLflow stores a param, a tag, a data set and an
artifact once for each name, and a point of a metric once for each step, time and value. A folder is deleted when all
of it has arrived. The folder of a running process stays; that of a process that died is published as killed.
"""

import json
import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from satiety.core.errors import SetupError
from satiety.core.files import name_temporary, remove
from satiety.core.services import join_services
from satiety.core.state_files import Shape, parse, rename_damaged
from satiety.package.card import describe_sample, format_interval
from tasks import tracking
from tasks.outbox import ALIVE, ARTIFACTS, CURVE, OUTBOX, RUN, map_to_mlflow_names, spell_plus

SHAPE: Shape = {
    "name": str,
    "parent": str | None,
    "ends_parent": bool,
    "tags": dict,
    "params": dict,
    "inputs": list,
    "report": str | None,
    "status": str,
    "end": int | None,
}
POINT: Shape = {"name": str, "value": int | float, "step": int, "time": int}
MAX_TAG_LENGTH, MAX_PARAM_LENGTH = 5000, 6000
"""Maximum length of a tag's and of a param's value in MLflow."""
DIGEST_LENGTH = 32
"""Length of a digest in MLflow, which allows 36 characters: fewer than a SHA-256 has."""
CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
"""MLflow's term for the use of a data set, by the name of the stage's path; all others are inputs."""
PAUSE = 5.0
"""Seconds between two passes of `--follow`."""
_KEY = re.compile(r"\d+-[\w.-]+-[0-9a-f]{8}")
_DIGEST = re.compile(r"[0-9a-f]{32,64}")
log = logging.getLogger(__name__)


def publish(offsets: dict[str, int] | None = None) -> int:
    """Send every folder of this workspace; return the number of completed runs. One process publishes at a time.

    If MLflow does not answer or a disk is full, the remaining folders stay for the next time, with one warning.

    Args:
        offsets: for each running run, the bytes of its curve that were sent before; updated by this pass.
    """
    count, problem = _publish_all({} if offsets is None else offsets)
    if problem:
        log.warning(problem)
    return count


def follow() -> None:
    """Publish every few seconds until a signal arrives, then once more; repeat no warning until MLflow answers."""
    stop, offsets, is_down = threading.Event(), dict[str, int](), False
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(PAUSE):
        _, problem = _publish_all(offsets)
        if problem and not is_down:
            log.warning(problem)
        is_down = bool(problem)
    publish(offsets)


def _publish_all(offsets: dict[str, int]) -> tuple[int, str | None]:
    """Return the number of completed runs, and why others wait, if they do."""
    folders, count = _list_folders(), 0
    if not folders:
        return 0, None
    try:
        with FileLock(OUTBOX / "publish.lock"):
            folders = _list_folders()
            client = tracking.connect()
            for folder in folders:
                with tracking.translate_errors():
                    count += _publish(client, folder, offsets)
    except (SetupError, OSError) as error:
        return count, f"{error}. {len(folders) - count} runs wait in {OUTBOX}"
    return count, None


def _list_folders() -> list[Path]:
    """Return the folders of runs, oldest first, so that a parent is published before its stages."""
    return sorted(path for path in OUTBOX.glob("*") if _KEY.fullmatch(path.name) and path.is_dir())


def _publish(client: Any, folder: Path, offsets: dict[str, int]) -> bool:
    """Send one folder; rename it if it is damaged or MLflow rejects it twice. Return whether its run has ended.

    Twice, because one of two publishers that create the same data set at the same time fails.
    """
    from mlflow.exceptions import MlflowException

    try:
        record = _read_record(folder)
        for attempt in Retrying(
            stop=stop_after_attempt(2), retry=retry_if_exception(tracking.is_rejection), reraise=True
        ):
            with attempt:
                _send(client, folder, record, offsets)
    except (MlflowException, ValueError, KeyError, TypeError) as error:
        if isinstance(error, MlflowException) and not tracking.is_rejection(error):
            raise
        rename_damaged(folder, str(error).partition("\n")[0][:300])
        return False
    if record["end"] is None:
        return False
    temporary = name_temporary(folder)
    folder.rename(temporary)  # in one step: a half-deleted folder would look damaged
    remove(temporary)
    return True


def _send(client: Any, folder: Path, record: Mapping[str, Any], offsets: dict[str, int]) -> None:
    """Send MLflow the new points of the folder; for a run that has ended also its report, artifacts and status."""
    from mlflow.entities import Metric, Param, RunTag

    key, parent, end = folder.name, record["parent"], record["end"]
    points, offset = _read_points(folder / CURVE, offsets.get(key, 0))
    if end is None and offsets.get(key) == offset:
        return
    parent_id = tracking.find_or_create_run(client, parent) if parent else None
    run_id = tracking.find_or_create_run(client, key, parent_id)

    # Numbers become metrics, digests tags; other texts stay in the report.
    report = _read_report(folder, record["report"])
    tags = record["tags"] | {name: report[name] for name in report.keys() & {"device", "precision"}}
    leaves = dict(_iterate_leaves(report))
    points += [
        {"name": name, "value": value, "time": end, "step": 0}
        for name, value in leaves.items()
        if not isinstance(value, str)
    ]
    names = map_to_mlflow_names({*leaves, *(point["name"] for point in points)})
    tags |= {names[name]: value for name, value in leaves.items() if isinstance(value, str)}
    tags |= {f"satiety.name.{new}": old for old, new in names.items() if new not in (old, spell_plus(old))}

    client.update_run(run_id, name=record["name"])
    client.log_batch(  # the client splits it into requests of allowed size
        run_id,
        params=[Param(name, value[:MAX_PARAM_LENGTH]) for name, value in record["params"].items()],
        tags=[RunTag(name, value[:MAX_TAG_LENGTH]) for name, value in tags.items()],
        metrics=[Metric(names[point["name"]], point["value"], point["time"], point["step"]) for point in points],
    )
    offsets[key] = offset
    if end is None:
        return

    if record["inputs"]:
        client.log_inputs(run_id, [_build_input(**entry) for entry in record["inputs"]])
    if (folder / ARTIFACTS).is_dir():
        client.log_artifacts(run_id, str(folder / ARTIFACTS))
    client.set_terminated(run_id, status=record["status"], end_time=end)
    if parent_id:
        _describe_parent(client, parent_id, folder, record)
    tracking.delete_duplicates(client, [key, parent] if parent else [key])


def _describe_parent(client: Any, parent_id: str, folder: Path, record: Mapping[str, Any]) -> None:
    """Copy headline score, promotion and data revision of this stage to the run of the pipeline.

    Nothing else ends the run of a `dvc` command: it has end and status of its last stage.
    """
    from mlflow.entities import Metric, RunTag

    metrics, tags = [], {name: record["tags"][name] for name in record["tags"].keys() & {"data revision"}}
    scores = _read_report(folder, "reports/evaluate.json")
    if "difference" in scores:
        sides = {side: scores[side] for side in ("before", "after", "difference")}
        metrics = [Metric(side, interval["value"], record["end"], 0) for side, interval in sides.items()]
        texts = ", ".join(f"{side} {format_interval(interval)}" for side, interval in sides.items())
        tags["score"] = f"{scores['metric']} {describe_sample(scores)['en']}: {texts}"
    promotion = _read_report(folder, "reports/promote.json")
    if promotion.get("decision", "unchanged") != "unchanged":
        tags["promotion"] = f"{promotion['decision']}: {promotion['reason']}"
    all_tags = client.get_run(parent_id).data.tags | tags
    tags["mlflow.note.content"] = "\n\n".join(all_tags[name] for name in ("score", "promotion") if name in all_tags)
    client.log_batch(parent_id, metrics=metrics, tags=[RunTag(name, value) for name, value in tags.items() if value])
    if record["ends_parent"]:
        client.set_terminated(parent_id, status=record["status"], end_time=record["end"])


def _read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a run: without an end while its process lives, as killed if that died before the end.

    Raises:
        ValueError: the file is damaged.
    """
    lock, path = FileLock(folder / ALIVE), folder / RUN
    with suppress(Timeout):
        lock.acquire(timeout=0)
    is_alive, content = not lock.is_locked, path.read_bytes() if path.is_file() else b""
    lock.release()
    record = parse(content, SHAPE)
    if is_alive:
        record |= {"status": "RUNNING", "end": None}
    elif record["end"] is None:
        record |= {"status": "KILLED", "end": int(max(file.stat().st_mtime for file in folder.iterdir()) * 1000)}
    return record


def _read_points(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return the points after an offset, and the offset of the next one; damaged and unfinished lines are left out."""
    content = path.read_bytes()[offset:] if path.exists() else b""
    content, points = content[: content.rfind(b"\n") + 1], []
    for line in content.split(b"\n")[:-1]:
        try:
            points.append(parse(line, POINT))
        except ValueError as error:
            log.warning("%s: a damaged line is left out: %s", path, error)
    return points, offset + len(content)


def _read_report(folder: Path, name: str | None) -> dict[str, Any]:
    """Return a report among the artifacts, without its params, which the run has; empty if it is missing."""
    path = folder / ARTIFACTS / (name or "")
    report = parse(path.read_bytes(), {}) if path.is_file() else {}
    return {key: value for key, value in report.items() if key != "params"}


def _iterate_leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | str]]:
    """Yield the numbers and the digests, nested names joined by dots."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _iterate_leaves(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
        elif isinstance(value, str) and _DIGEST.fullmatch(value):
            yield f"{prefix}{name}", value


def _build_input(name: str, digest: str, uri: str, rows: int | None) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    scheme = uri.partition(":")[0] if ":" in uri else "local"
    profile = json.dumps({"sha256": digest} | ({"num_rows": rows} if rows is not None else {}))
    source = json.dumps({"uri": uri})
    dataset = Dataset(name, digest[:DIGEST_LENGTH], scheme[:DIGEST_LENGTH], source, profile=profile)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", CONTEXTS.get(name, "input"))])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    join_services()
    follow() if "--follow" in sys.argv[1:] else publish()
