"""A cell's key: it changes with all that decides the result, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import grimp
import pytest

from satiety.levers.base import LEVERS
from satiety.worth import runs
from satiety.worth.runs import CORE_MODULES, StudyRun, hash_code, hash_run

PSEUDO = LEVERS["self_training"].sample()
CELL = StudyRun(60, ("self_training",), 3)
RECIPE: dict[str, Any] = {"seed": 1, "l2": [0.1]}
INPUTS = ["pool", "test", "model", "problem"]
ACTS = ("satiety.worth.evaluator", "satiety.levers.base")
"""What evaluates a cell."""
OTHERWISE = (
    "satiety.core.errors",
    "satiety.core.files",
    "satiety.core.progress",
    "satiety.core.registry",
    "satiety.core.asset",
    "satiety.core.fields",
    "satiety.core.project",
    "satiety.core.scalars",
    "satiety.core.checksums",
    "satiety.core.secrets",
    "satiety.core.section",
    "satiety.core.settings",
    "satiety.core.active_levers",
    "satiety.worth.runs",
    "satiety.worth.run_store",
    "satiety.worth.section",
    "satiety.worth.selection",
)
"""Plumbing: it says what went wrong, and reads and writes files; what it reads is in the key itself."""


def key(cell: StudyRun = CELL, recipe: Any = RECIPE, inputs: Any = INPUTS, levers: Any = (PSEUDO,)) -> str:
    return hash_run(cell, recipe, inputs, levers)


def test_it_is_the_same_for_the_same() -> None:
    assert key() == key()
    assert len(key()) == 64


@pytest.mark.parametrize(
    "changed",
    [
        {"cell": replace(CELL, budget=30)},
        {"cell": replace(CELL, levers=())},
        {"cell": replace(CELL, replicate=4)},
        {"cell": replace(CELL, depth="full")},
        {"cell": replace(CELL, is_gated=False)},
        {"recipe": RECIPE | {"l2": [0.1, 0.01]}},
        {"inputs": ["pool 2", *INPUTS[1:]]},
        {"inputs": [*INPUTS[:2], "model 2", INPUTS[3]]},
        {"levers": (PSEUDO.model_copy(update={"rounds": 5}),)},
        {"levers": (PSEUDO, LEVERS["copy"].sample())},
        {"levers": (LEVERS["copy"].sample(), PSEUDO)},
    ],
    ids=str,
)
def test_it_changes_with(changed: dict[str, Any]) -> None:
    assert key(**changed) != key()


def test_it_changes_with_the_code_of_its_levers_and_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    first, changed = key(), "satiety.levers.augmentation"
    monkeypatch.setattr(runs, "hash_code", lambda name: "new" if name == changed else hash_code(name))
    assert key() == first
    changed = PSEUDO.__class__.__module__
    assert key() != first


@pytest.mark.parametrize("name", CORE_MODULES)
def test_it_changes_with_the_code_that_acts_in_every_cell(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = key(levers=())
    monkeypatch.setattr(runs, "hash_code", lambda other: "new" if other == name else hash_code(other))
    assert key(levers=()) != first


def test_a_lever_names_the_packages_whose_code_it_rests_on() -> None:
    graph = grimp.build_graph("satiety")
    for name in LEVERS:
        rests = graph.find_upstream_modules(LEVERS[name].__module__)
        packages = {".".join(module.split(".")[:2]) for module in rests}
        assert packages & {"satiety.levers.augment", "satiety.levers.pretrain", "satiety.levers.retrieve"} <= set(
            LEVERS[name].code
        ), name


def test_what_evaluates_a_cell_is_in_the_key() -> None:
    """Else a change there would leave old results standing."""
    graph = grimp.build_graph("satiety")
    rests = set[str]().union(*({name, *graph.find_upstream_modules(name)} for name in ACTS))
    covered = (
        *CORE_MODULES,
        "satiety.levers",
        "satiety.levers.augment",
        "satiety.levers.pretrain",
        "satiety.levers.retrieve",
        *OTHERWISE,
    )
    missing = {name for name in rests if not any(name == one or name.startswith(f"{one}.") for one in covered)}
    assert not missing - {"satiety", "satiety.worth"}


def test_the_code_of_a_package_is_that_of_all_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "made_up_package"
    (package / "deep").mkdir(parents=True)
    for name in ("__init__.py", "one.py", "deep/two.py"):
        (package / name).write_text(f"# {name}\n")
    monkeypatch.syspath_prepend(tmp_path)
    first = hash_code.__wrapped__("made_up_package")
    assert hash_code.__wrapped__("made_up_package.one") != first
    (package / "deep/two.py").write_text("# changed\n")
    assert hash_code.__wrapped__("made_up_package") != first
