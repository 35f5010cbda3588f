"""The lines of one spool file -> requests to MLflow, in batches; sent again, they change nothing.

MLflow keeps a param, a tag, a data set and an artifact once for each name, and a point of a metric once for each step,
time and value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tasks.spool import kept

METRICS, OTHERS = 1000, 100
"""Metrics, and params or tags, per request: the most that MLflow's `log_batch` takes."""
TAG, PARAM = 5000, 6000
"""Characters that MLflow keeps of a tag's and of a param's value."""
DIGEST = 32
"""Characters of a digest that MLflow is given; it takes 36, which is less than a SHA-256."""
CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
"""What MLflow calls the use that a data set is put to, by our name of the path; the others are inputs."""


def replay(client: Any, run_id: str, path: Path, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    """Give MLflow's run what the spool file holds, and its end last of all."""
    from mlflow.entities import Metric, Param

    points = [Metric(line["metric"], line["value"], line["time"], line["step"]) for line in lines if "metric" in line]
    for some in _batches([Param(name, value[:PARAM]) for name, value in head["params"].items()], OTHERS):
        client.log_batch(run_id, params=some)
    for some in _batches(_tags(head, lines), OTHERS):
        client.log_batch(run_id, tags=some)
    for some in _batches(points, METRICS):
        client.log_batch(run_id, metrics=some)
    inputs = _inputs(line for line in lines if "input" in line)
    if inputs:
        client.log_inputs(run_id, inputs)
    if kept(path).is_dir():
        client.log_artifacts(run_id, str(kept(path)))
    end = next((line for line in lines if "end" in line), None)
    if end:
        client.set_terminated(run_id, status=end["status"], end_time=end["end"])


def _tags(head: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return those that say what the run is, those of its report, and what its metrics are called unabridged."""
    from mlflow.entities import RunTag

    tags = {"satiety.stage": head["stage"], "satiety.workspace": head["workspace"]}
    tags |= {f"satiety.{name}": value for name, value in head["settings"].items()}
    for line in lines:
        if "tag" in line:
            tags[line["tag"]] = line["value"]
        if "name" in line:
            tags[f"satiety.name.{line['metric']}"] = line["name"]
    return [RunTag(name, value[:TAG]) for name, value in tags.items()]


def _inputs(lines: Iterable[Mapping[str, Any]]) -> list[Any]:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    found = {}
    for line in lines:
        source, profile = {"uri": line["uri"]}, {"sha256": line["digest"]}
        if line["rows"] is not None:
            profile["num_rows"] = line["rows"]
        scheme = line["uri"].partition(":")[0] if ":" in line["uri"] else "local"
        data = Dataset(
            line["input"], line["digest"][:DIGEST], scheme[:DIGEST], json.dumps(source), profile=json.dumps(profile)
        )
        context = InputTag("mlflow.data.context", CONTEXTS.get(line["input"], "input"))
        found[data.name, data.digest] = DatasetInput(data, [context])
    return list(found.values())


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
