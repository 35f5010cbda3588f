"""The id of an answer -> its receipt: the model that gave it, its data and levers, the training examples near it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety import package as packages
from satiety.answers import load
from satiety.errors import DataError, ModelError
from satiety.files import sha256
from satiety.package.card import Facts
from satiety.package.load import Package
from satiety.records import Example, Served, read
from satiety.settings import Settings
from satiety.support import Support, support
from satiety.traffic import Traffic
from tasks import history, tracking
from tasks.fetch import fetch
from tasks.places import places
from tasks.register import find

LEVERS = ("retrieve", "augment", "pretrain", "finetune")
"""Blocks of params.yaml that hold what was done with the data."""
DIGITS = 12
"""Of a digest, or of a commit, that is shown."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one answer rests on."""

    served: Served
    name: str
    """Of the registered model."""
    version: str | None
    """Its number in the registry; None where the registry does not know the package, or does not answer."""
    champion: bool
    """Whether that version is champion now."""
    facts: Facts
    supports: tuple[Support, ...]
    missing: str | None
    """Why no training examples are shown, and what to do; None where they are."""

    def levers(self) -> dict[str, Any]:
        """Return how the model was made, block by block."""
        return {name: self.facts.params[name] for name in LEVERS if name in self.facts.params}

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "prediction": asdict(self.served)
            | {name: json.loads(getattr(self.served, name)) for name in ("inputs", "answer", "scores")},
            "model": {
                "name": self.name,
                "version": self.version,
                "champion": self.champion,
                "digest": self.served.model,
                "revision": self.facts.revision,
            },
            "data": {**self.facts.data, "trained": self.facts.trained},
            "levers": self.levers(),
            "support": [asdict(one) | {"agreement": one.agreement} for one in self.supports],
            "missing": self.missing,
        }


def receipt(traffic: Traffic, id: str, folder: Path, nearest: int) -> Receipt:
    """Trace an answer back to what it rests on.

    Args:
        traffic: the record of what was answered.
        id: of the answer, as `satiety predict` gave it.
        folder: the workspace.
        nearest: training examples to show.

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
    answering, train = places("package", "train", folder=folder)
    with _made(served.model, served.name, answering) as (package, version, champion):
        facts = package.facts()
        missing = _missing(train, str(train.relative_to(folder)), facts)
        found = [] if missing else _support(package, served, train, nearest)
        return Receipt(served, facts.name, version, champion, facts, tuple(found), missing)


def _support(package: Package, served: Served, train: Path, nearest: int) -> list[Support]:
    return support(package.model, served.asked, load(served.answer), list(read(train, Example)), nearest)


def _missing(train: Path, shown: str, facts: Facts) -> str | None:
    """Return why the training examples at hand are not those of the model."""
    wanted = facts.data.get("train", "")
    if train.is_file() and sha256(train) == wanted:
        return None
    there = "another data version" if train.is_file() else "not there"
    code = "" if facts.revision == "unknown" else f"; the code was at {facts.revision[:DIGITS]}"
    back = f"check out the dvc.lock that made it (`git log --all -- dvc.lock`{code}), then `dvc checkout {shown}`"
    return f"{shown} is {there}: the model learned from the one with sha256 {wanted[:DIGITS]}: {back}"


@contextmanager
def _made(digest: str, name: str, here: Path) -> Iterator[tuple[Package, str | None, bool]]:
    """Give the package that answered, the number of its version, and whether that is champion.

    The workspace's own package is taken where it is the one, the registry's otherwise.
    """
    version, champion, unknown = _known(digest, name)
    local = packages.snapshot(here, Settings().device) if here.is_dir() else None
    if local is not None and local.digest == digest:
        yield local, version and str(version.version), champion
        return
    if version is None:
        raise ModelError(f"receipt: the model {digest[:12]} that answered is not {here}, and {unknown}")
    with TemporaryDirectory(prefix="satiety-") as scratch:
        advice = "restore its files; `satiety verify` names what is changed"
        outdated = "which alone can give a receipt for it"
        yield fetch(version, Path(scratch), "which answered", advice, outdated), str(version.version), champion


def _known(digest: str, name: str) -> tuple[Any, bool, str]:
    """Return the version of this digest, whether it is champion, and what to say where there is none."""
    try:
        client = tracking.connect()
        with tracking.reached():
            number = find(client, name, digest)
            if number is None:
                return None, False, f"MLflow has no version of {name} with that digest"
            return client.get_model_version(name, number), number == history.held(client, name), ""
    except tracking.TrackingError as error:
        return None, False, str(error)


def told_levers(levers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield how each lever was set, in a few words."""
    for name, block in levers.items():
        yield name, ", ".join(f"{key} {_short(value)}" for key, value in block.items() if _worth_telling(value))


def _worth_telling(value: Any) -> bool:
    return value not in ("", None)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} {_short(one)}" for key, one in value.items() if key != "kind" and one is not None)
        return f"{value.get('kind', '')} ({inner})".strip() if inner else str(value.get("kind", ""))
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return str(value)
