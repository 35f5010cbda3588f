"""What all cells of a study share <-> a folder of tables and JSON, which any process or machine can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from satiety.files import write_text
from satiety.problems import Problem
from satiety.records import Document, Example, read, write
from satiety.sealed import read_tensors, write_tensors
from satiety.tuning.section import Finetune
from satiety.worth.levers import Around, Lever, ordered
from satiety.worth.section import Worth

if TYPE_CHECKING:
    from satiety.problems.base import Floats

PLAN, PROBLEM, POOL, TEST, ZERO = "plan.json", "problem.json", "pool.parquet", "test.parquet", "zero.safetensors"


@dataclass(frozen=True)
class Plan:
    """What all cells of a study share: plain data, that every process reads once."""

    problem: Problem
    pool: tuple[Example, ...]
    test: tuple[Example, ...]
    params: Worth
    finetune: Finetune
    prepared: Mapping[str, tuple[Example, ...]]
    """By lever, what it prepared."""
    around: Mapping[tuple[str, ...], Around]
    """By lever set."""
    refused: Mapping[bytes, bool]
    """Of the texts that levers announced, by name: whether they give away a test text."""
    zero: Floats
    """Tallies of answers without training, shape (examples, counts)."""
    home: Path
    device: str

    @cached_property
    def levers(self) -> dict[str, Lever]:
        """The levers by name, in the order they act; controls among them."""
        return in_order(self.params)

    def acting(self, levers: tuple[str, ...]) -> tuple[str, ...]:
        """Return the levers of a set without those that change nothing in it: nobody reads what they find."""
        taught = tuple(name for name in levers if self.levers[name].teaches)
        here, there = self.around[levers], self.around.get(taught)
        reads = any(self.levers[name].reads for name in taught)
        same = there and here.encoder == there.encoder and (not reads or here.documents == there.documents)
        return taught if same else levers

    def save(self, folder: Path) -> None:
        """Write it into an empty folder: tables, and JSON that names them."""
        self.problem.save(folder / PROBLEM)
        write(folder / POOL, self.pool, Example)
        write(folder / TEST, self.test, Example)
        write_tensors(folder / ZERO, {"tallies": self.zero})
        prepared = {name: f"prepared-{i}.parquet" for i, name in enumerate(self.prepared)}
        for name, file in prepared.items():
            write(folder / file, self.prepared[name], Example)
        documents = {id(around.documents): around.documents for around in self.around.values()}
        files = {key: f"documents-{i}.parquet" for i, key in enumerate(documents)}
        for key, file in files.items():
            write(folder / file, documents[key], Document)
        value = {
            "params": self.params.model_dump(mode="json"),
            "finetune": self.finetune.model_dump(mode="json"),
            "prepared": prepared,
            "around": [[levers, files[id(one.documents)], str(one.encoder)] for levers, one in self.around.items()],
            "refused": {name.hex(): refused for name, refused in self.refused.items()},
            "home": str(self.home),
            "device": self.device,
        }
        write_text(folder / PLAN, json.dumps(value))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        value = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        zero = read_tensors(folder / ZERO)
        assert zero is not None  # noqa: S101  # written a moment ago
        documents = {
            file: tuple(read(folder / file, Document)) for file in dict.fromkeys(one[1] for one in value["around"])
        }
        return cls(
            problem=Problem.load(folder / PROBLEM),
            pool=tuple(read(folder / POOL, Example)),
            test=tuple(read(folder / TEST, Example)),
            params=Worth.model_validate(value["params"]),
            finetune=Finetune.model_validate(value["finetune"]),
            prepared={name: tuple(read(folder / file, Example)) for name, file in value["prepared"].items()},
            around={tuple(levers): Around(documents[file], Path(encoder)) for levers, file, encoder in value["around"]},
            refused={bytes.fromhex(name): refused for name, refused in value["refused"].items()},
            zero=zero["tallies"],
            home=Path(value["home"]),
            device=value["device"],
        )


def in_order(params: Worth) -> dict[str, Lever]:
    """Return levers and controls by name, in the order in which they act."""
    return ordered(params.levers | {control.kind: control for control in params.controls})
