"""Prediction id -> its trace: the model, its data and levers, and the nearest training examples."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety import package as packages
from satiety.core.answers import load
from satiety.core.errors import DataError, ModelError
from satiety.core.files import sha256
from satiety.core.records import Example, Served, read
from satiety.core.settings import Settings
from satiety.package.card import Facts
from satiety.package.load import Package
from satiety.serving.nearest_examples import NearestNeighbors, find_nearest
from satiety.serving.traffic import Traffic
from tasks import history, tracking
from tasks.fetch import fetch_package
from tasks.paths import find_paths
from tasks.register import find_version

LEVERS = ("retrieve", "augment", "pretrain", "finetune")
"""Sections of params.yaml with the data techniques."""
DIGITS = 12
"""Digits of a digest or commit in messages."""


@dataclass(frozen=True, slots=True)
class PredictionTrace:
    """Origin of one prediction."""

    served: Served
    name: str
    """Name of the registered model."""
    version: str | None
    """Version number; None if the package is not registered or MLflow does not respond."""
    is_champion: bool
    """Whether that version is the current champion."""
    facts: Facts
    neighbors: tuple[NearestNeighbors, ...]
    missing: str | None
    """Why training examples are missing, with advice; None if they are present."""

    def get_levers(self) -> dict[str, Any]:
        """Return the params of each data technique, by section."""
        return {name: self.facts.params[name] for name in LEVERS if name in self.facts.params}

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as JSON-serializable values."""
        return {
            "prediction": asdict(self.served)
            | {name: json.loads(getattr(self.served, name)) for name in ("inputs", "answer", "scores")},
            "model": {
                "name": self.name,
                "version": self.version,
                "champion": self.is_champion,
                "digest": self.served.model,
                "revision": self.facts.revision,
            },
            "data": {**self.facts.data, "trained": self.facts.trained},
            "levers": self.get_levers(),
            "support": [asdict(neighbor) | {"agreement": neighbor.agreement} for neighbor in self.neighbors],
            "missing": self.missing,
        }


def trace_prediction(traffic: Traffic, id: str, folder: Path, neighbor_count: int) -> PredictionTrace:
    """Trace a prediction back to its model and data.

    Args:
        traffic: record of predictions.
        id: prediction id, as printed by `satiety predict`.
        folder: workspace.
        neighbor_count: number of training examples to return.

    Raises:
        DataError: no prediction with that id is recorded.
        ModelError: the model of the prediction is neither in the workspace nor in the registry.
    """
    served = next((row for row in traffic.read() if row.id == id), None)
    if served is None:
        raise DataError(
            f"trace: no prediction {id!r} in {traffic.folder}; `satiety predict` prints the id of each prediction, and "
            f"about {traffic.limit:,} of the newest are kept"
        )
    package_folder, train = find_paths("package", "train", folder=folder)
    with _open_package(served.model, served.name, package_folder) as (package, version, is_champion):
        facts = package.facts()
        missing = _explain_missing(train, str(train.relative_to(folder)), facts)
        neighbors: list[NearestNeighbors] = []
        if not missing:
            examples = list(read(train, Example))
            neighbors = find_nearest(package.model, served.named_inputs, load(served.answer), examples, neighbor_count)
        return PredictionTrace(served, facts.name, version, is_champion, facts, tuple(neighbors), missing)


def _explain_missing(train: Path, train_name: str, facts: Facts) -> str | None:
    """Return why the workspace's training examples are not the model's, with advice; None if they are."""
    expected = facts.data.get("train", "")
    if train.is_file() and sha256(train) == expected:
        return None
    state = "is a different data version" if train.is_file() else "does not exist"
    code = "" if facts.revision == "unknown" else f"; the code revision was {facts.revision[:DIGITS]}"
    advice = f"check out its dvc.lock (`git log --all -- dvc.lock`{code}), then run `dvc checkout {train_name}`"
    return f"{train_name} {state}: the model was trained on sha256 {expected[:DIGITS]}; {advice}"


@contextmanager
def _open_package(digest: str, name: str, folder: Path) -> Iterator[tuple[Package, str | None, bool]]:
    """Open the package with this digest; yield it, its version number, and whether that version is champion.

    The workspace's package is used if its digest matches, the registered one otherwise.
    """
    version, is_champion, reason = _find_version(digest, name)
    local = packages.snapshot(folder, Settings().device) if folder.is_dir() else None
    if local is not None and local.digest == digest:
        yield local, version and str(version.version), is_champion
        return
    if version is None:
        raise ModelError(f"trace: the model of this prediction ({digest[:DIGITS]}) is not in {folder}, and {reason}")
    with TemporaryDirectory(prefix="satiety-") as scratch:
        advice = "restore its files; `satiety verify` lists the changed ones"
        role, outdated = "the model of this prediction", "only that version can trace it"
        yield (
            fetch_package(version, Path(scratch), role, advice, outdated),
            str(version.version),
            is_champion,
        )


def _find_version(digest: str, name: str) -> tuple[Any, bool, str]:
    """Return the version with this digest, whether it is champion, and the reason if there is none."""
    try:
        client = tracking.connect()
        with tracking.translate_errors():
            number = find_version(client, name, digest)
            if number is None:
                return None, False, f"no version of {name} in MLflow has this digest"
            return client.get_model_version(name, number), number == history.find_champion(client, name), ""
    except tracking.TrackingError as error:
        return None, False, str(error)


def describe_levers(levers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the settings of each lever."""
    unset = ("", None)
    for name, block in levers.items():
        yield name, ", ".join(f"{key} {_format_value(value)}" for key, value in block.items() if value not in unset)


def _format_value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{key} {_format_value(entry)}" for key, entry in value.items() if key != "kind" and entry is not None
        )
        return f"{value.get('kind', '')} ({inner})".strip() if inner else str(value.get("kind", ""))
    if isinstance(value, list):
        return "[" + ", ".join(map(_format_value, value)) + "]"
    return str(value)
