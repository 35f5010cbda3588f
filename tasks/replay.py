"""The lines of one spool file -> requests to MLflow, in batches; sent again, they change nothing.

MLflow keeps a param, a tag, a data set and an artifact once for each name, and a point of a metric once for each step,
time and value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tasks.spool import locate_artifacts

MAX_METRICS, MAX_FIELDS = 1000, 100
"""Metrics, and params or tags, per request: the most that MLflow's `log_batch` takes."""
MAX_TAG_LENGTH, MAX_PARAM_LENGTH = 5000, 6000
"""Characters that MLflow keeps of a tag's and of a param's value."""
DIGEST_LENGTH = 32
"""Characters of a digest that MLflow is given; it takes 36, which is less than a SHA-256."""
CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
"""What MLflow calls the use that a data set is put to, by our name of the path; the others are inputs."""


def replay(client: Any, run_id: str, path: Path, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    """Give MLflow's run what the spool file holds, and its end last of all."""
    from mlflow.entities import Metric, Param

    points = [Metric(line["metric"], line["value"], line["time"], line["step"]) for line in lines if "metric" in line]
    for batch in _split_batches(
        [Param(name, value[:MAX_PARAM_LENGTH]) for name, value in head["params"].items()], MAX_FIELDS
    ):
        client.log_batch(run_id, params=batch)
    for batch in _split_batches(_build_tags(head, lines), MAX_FIELDS):
        client.log_batch(run_id, tags=batch)
    for batch in _split_batches(points, MAX_METRICS):
        client.log_batch(run_id, metrics=batch)
    inputs = _build_inputs(line for line in lines if "input" in line)
    if inputs:
        client.log_inputs(run_id, inputs)
    if locate_artifacts(path).is_dir():
        client.log_artifacts(run_id, str(locate_artifacts(path)))
    end = next((line for line in lines if "end" in line), None)
    if end:
        client.set_terminated(run_id, status=end["status"], end_time=end["end"])


def _build_tags(head: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return those that say what the run is, those of its report, and what its metrics are called unabridged."""
    from mlflow.entities import RunTag

    tags = {"satiety.stage": head["stage"], "satiety.workspace": head["workspace"]}
    tags |= {f"satiety.{name}": value for name, value in head["settings"].items()}
    for line in lines:
        if "tag" in line:
            tags[line["tag"]] = line["value"]
        if "name" in line:
            tags[f"satiety.name.{line['metric']}"] = line["name"]
    return [RunTag(name, value[:MAX_TAG_LENGTH]) for name, value in tags.items()]


def _build_inputs(lines: Iterable[Mapping[str, Any]]) -> list[Any]:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    datasets = {}
    for line in lines:
        source, profile = {"uri": line["uri"]}, {"sha256": line["digest"]}
        if line["rows"] is not None:
            profile["num_rows"] = line["rows"]
        scheme = line["uri"].partition(":")[0] if ":" in line["uri"] else "local"
        dataset = Dataset(
            line["input"],
            line["digest"][:DIGEST_LENGTH],
            scheme[:DIGEST_LENGTH],
            json.dumps(source),
            profile=json.dumps(profile),
        )
        context = InputTag("mlflow.data.context", CONTEXTS.get(line["input"], "input"))
        datasets[dataset.name, dataset.digest] = DatasetInput(dataset, [context])
    return list(datasets.values())


def _split_batches(entries: Sequence[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(entries)
    while batch := list(islice(iterator, size)):
        yield batch
