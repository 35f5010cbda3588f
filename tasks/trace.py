"""The id of an answer -> its receipt: the model that gave it, its data and levers, the training examples near it."""

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
from tasks.fetch import fetch
from tasks.paths import find_paths
from tasks.register import find_version

LEVERS = ("retrieve", "augment", "pretrain", "finetune")
"""Blocks of params.yaml that hold what was done with the data."""
DIGITS = 12
"""Of a digest, or of a commit, that is shown."""


@dataclass(frozen=True, slots=True)
class PredictionTrace:
    """What one answer rests on."""

    served: Served
    name: str
    """Of the registered model."""
    version: str | None
    """Its number in the registry; None where the registry does not know the package, or does not answer."""
    is_champion: bool
    """Whether that version is champion now."""
    facts: Facts
    neighbors: tuple[NearestNeighbors, ...]
    missing: str | None
    """Why no training examples are shown, and what to do; None where they are."""

    def get_levers(self) -> dict[str, Any]:
        """Return how the model was made, block by block."""
        return {name: self.facts.params[name] for name in LEVERS if name in self.facts.params}

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
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
    """Trace an answer back to what it rests on.

    Args:
        traffic: the record of what was answered.
        id: of the answer, as `satiety predict` gave it.
        folder: the workspace.
        neighbor_count: training examples to show.

    Raises:
        DataError: nothing of that id is on record.
        ModelError: the model that answered is neither here nor in the registry.
    """
    served = next((row for row in traffic.read() if row.id == id), None)
    if served is None:
        raise DataError(
            f"receipt: {id!r} is not on record in {traffic.folder}; `satiety predict` gives the id of each answer, and "
            f"the newest {traffic.limit:,} or so are kept"
        )
    package_folder, train = find_paths("package", "train", folder=folder)
    with _open_package(served.model, served.name, package_folder) as (package, version, is_champion):
        facts = package.facts()
        missing = _explain_missing(train, str(train.relative_to(folder)), facts)
        neighbors = [] if missing else _find_neighbors(package, served, train, neighbor_count)
        return PredictionTrace(served, facts.name, version, is_champion, facts, tuple(neighbors), missing)


def _find_neighbors(package: Package, served: Served, train: Path, neighbor_count: int) -> list[NearestNeighbors]:
    return find_nearest(
        package.model, served.named_inputs, load(served.answer), list(read(train, Example)), neighbor_count
    )


def _explain_missing(train: Path, train_name: str, facts: Facts) -> str | None:
    """Return why the training examples at hand are not those of the model."""
    expected = facts.data.get("train", "")
    if train.is_file() and sha256(train) == expected:
        return None
    state = "another data version" if train.is_file() else "not there"
    code = "" if facts.revision == "unknown" else f"; the code was at {facts.revision[:DIGITS]}"
    advice = (
        f"check out the dvc.lock that made it (`git log --all -- dvc.lock`{code}), then `dvc checkout {train_name}`"
    )
    return f"{train_name} is {state}: the model learned from the one with sha256 {expected[:DIGITS]}: {advice}"


@contextmanager
def _open_package(digest: str, name: str, folder: Path) -> Iterator[tuple[Package, str | None, bool]]:
    """Give the package that answered, the number of its version, and whether that is champion.

    The workspace's own package is taken where it is the one, the registry's otherwise.
    """
    version, is_champion, reason = _find_version(digest, name)
    local = packages.snapshot(folder, Settings().device) if folder.is_dir() else None
    if local is not None and local.digest == digest:
        yield local, version and str(version.version), is_champion
        return
    if version is None:
        raise ModelError(f"receipt: the model {digest[:12]} that answered is not {folder}, and {reason}")
    with TemporaryDirectory(prefix="satiety-") as scratch:
        advice = "restore its files; `satiety verify` names what is changed"
        outdated = "which alone can give a receipt for it"
        yield fetch(version, Path(scratch), "which answered", advice, outdated), str(version.version), is_champion


def _find_version(digest: str, name: str) -> tuple[Any, bool, str]:
    """Return the version of this digest, whether it is champion, and what to say where there is none."""
    try:
        client = tracking.connect()
        with tracking.translate_errors():
            number = find_version(client, name, digest)
            if number is None:
                return None, False, f"MLflow has no version of {name} with that digest"
            return client.get_model_version(name, number), number == history.find_champion(client, name), ""
    except tracking.TrackingError as error:
        return None, False, str(error)


def describe_levers(levers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield how each lever was set, in a few words."""
    for name, block in levers.items():
        yield name, ", ".join(f"{key} {_format_value(value)}" for key, value in block.items() if _is_set(value))


def _is_set(value: Any) -> bool:
    return value not in ("", None)


def _format_value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{key} {_format_value(entry)}" for key, entry in value.items() if key != "kind" and entry is not None
        )
        return f"{value.get('kind', '')} ({inner})".strip() if inner else str(value.get("kind", ""))
    if isinstance(value, list):
        return "[" + ", ".join(map(_format_value, value)) + "]"
    return str(value)
