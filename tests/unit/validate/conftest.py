"""Fixtures of the tests of `satiety.validate`: problems with fixed labels, the values of params.yaml, and tables."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from satiety.core.records import Document, Example
from satiety.problems.base import PROBLEMS, Problem
from satiety.validate import Validate
from satiety.validate.table import Table

MakeTable = Callable[..., Table[Any]]


@pytest.fixture(scope="session")
def params() -> Validate:
    return Validate.load(Path("params.yaml"))


@pytest.fixture(scope="session")
def classify() -> Problem:
    return PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}})


@pytest.fixture(scope="session")
def ner() -> Problem:
    return PROBLEMS["ner"].model_validate({"labels": ["LOC", "PER"]})


@pytest.fixture
def make_table(params: Validate, classify: Problem) -> MakeTable:
    """Return a function from rows to their table; all examples outside train are held out, as in the stage."""

    def make(rows: Sequence[Example] | Sequence[Document], problem: Problem | None = None, **fields: Any) -> Table[Any]:
        held_out = [row for row in rows if isinstance(row, Example) and row.split != "train"]
        kind = Document if any(isinstance(row, Document) for row in rows) else Example
        return Table(
            **{"kind": kind, "rows": rows, "problem": problem or classify, "params": params, "held_out": held_out}
            | fields
        )

    return make
