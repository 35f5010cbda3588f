"""Shared inputs of all runs of a study, and their storage in a folder of tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from satiety.core.checksums import read_tensors, write_tensors
from satiety.core.files import write_text
from satiety.core.records import Document, Example, read, write
from satiety.levers.base import Lever, StudyInputs, sort_levers
from satiety.problems import Problem
from satiety.tuning.section import Finetune
from satiety.worth.section import Worth

if TYPE_CHECKING:
    from satiety.problems.base import Floats

PLAN, PROBLEM, POOL, TEST, ZERO = "plan.json", "problem.json", "pool.parquet", "test.parquet", "zero.safetensors"


@dataclass(frozen=True)
class Plan:
    """Shared inputs of all runs of a study, which each process loads once."""

    problem: Problem
    pool: tuple[Example, ...]
    test: tuple[Example, ...]
    params: Worth
    finetune: Finetune
    precomputed: Mapping[str, tuple[Example, ...]]
    """Precomputed examples by lever."""
    inputs: Mapping[tuple[str, ...], StudyInputs]
    """Documents and encoder by lever set."""
    contaminated: Mapping[bytes, bool]
    """Whether a text repeats a test text, by digest of every text known before the runs."""
    zero_shot: Floats
    """Tallies of zero-shot answers, shape (examples, counts)."""
    home: Path
    device: str

    @cached_property
    def levers(self) -> dict[str, Lever]:
        """Levers and controls by name, in order of application."""
        return collect_levers(self.params)

    def drop_idle(self, levers: tuple[str, ...]) -> tuple[str, ...]:
        """Return a lever set without idle levers, such as retrieval when no other lever uses documents."""
        with_train_transform = tuple(name for name in levers if self.levers[name].has_train_transform)
        full_inputs, active_inputs = self.inputs[levers], self.inputs.get(with_train_transform)
        uses_documents = any(self.levers[name].uses_documents for name in with_train_transform)
        is_equivalent = (
            active_inputs
            and full_inputs.encoder == active_inputs.encoder
            and (not uses_documents or full_inputs.documents == active_inputs.documents)
        )
        return with_train_transform if is_equivalent else levers

    def save(self, folder: Path) -> None:
        """Write the plan into an empty folder."""
        self.problem.save(folder / PROBLEM)
        write(folder / POOL, self.pool, Example)
        write(folder / TEST, self.test, Example)
        write_tensors(folder / ZERO, {"tallies": self.zero_shot})
        tables = {name: f"prepared-{i}.parquet" for i, name in enumerate(self.precomputed)}
        for name, file in tables.items():
            write(folder / file, self.precomputed[name], Example)
        documents = {id(inputs.documents): inputs.documents for inputs in self.inputs.values()}
        files = {key: f"documents-{i}.parquet" for i, key in enumerate(documents)}
        for key, file in files.items():
            write(folder / file, documents[key], Document)
        content = {
            "params": self.params.model_dump(mode="json"),
            "finetune": self.finetune.model_dump(mode="json"),
            "precomputed": tables,
            "inputs": [
                [levers, files[id(lever_inputs.documents)], str(lever_inputs.encoder)]
                for levers, lever_inputs in self.inputs.items()
            ],
            "contaminated": {name.hex(): is_contaminated for name, is_contaminated in self.contaminated.items()},
            "home": str(self.home),
            "device": self.device,
        }
        write_text(folder / PLAN, json.dumps(content))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a plan written by ``save``."""
        content = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        zero_shot = read_tensors(folder / ZERO)
        assert zero_shot is not None  # noqa: S101  # written by ``save``
        documents = {
            file: tuple(read(folder / file, Document)) for file in dict.fromkeys(row[1] for row in content["inputs"])
        }
        return cls(
            problem=Problem.load(folder / PROBLEM),
            pool=tuple(read(folder / POOL, Example)),
            test=tuple(read(folder / TEST, Example)),
            params=Worth.model_validate(content["params"]),
            finetune=Finetune.model_validate(content["finetune"]),
            precomputed={name: tuple(read(folder / file, Example)) for name, file in content["precomputed"].items()},
            inputs={
                tuple(levers): StudyInputs(documents[file], Path(encoder))
                for levers, file, encoder in content["inputs"]
            },
            contaminated={
                bytes.fromhex(name): is_contaminated for name, is_contaminated in content["contaminated"].items()
            },
            zero_shot=zero_shot["tallies"],
            home=Path(content["home"]),
            device=content["device"],
        )


def collect_levers(params: Worth) -> dict[str, Lever]:
    """Return levers and controls by name, in order of application."""
    return sort_levers(params.levers | {control.kind: control for control in params.controls})
