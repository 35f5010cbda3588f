"""A cell's key: it changes with all that decides the result, and with nothing else."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import grimp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.levers.base import LEVERS
from satiety.worth import runs
from satiety.worth.runs import (
    CORE_MODULES,
    FIRST_CURVE_REPLICATE,
    StudyRun,
    hash_code,
    hash_run,
    list_budgets,
    order_pool,
)

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
        {"cell": replace(CELL, depth="fine_tuned")},
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


SIZES = st.dictionaries(st.sampled_from(["good", "bad", "好", "差"]), st.integers(1, 30), min_size=1)


def pool(sizes: dict[str, int]) -> list[Example]:
    return [
        Example(f"{label}-{i}", {"text": f"{label} {i}"}, answer=Label(label))
        for label, count in sizes.items()
        for i in range(count)
    ]


def order(examples: list[Example], number: int, seed: int = 1) -> tuple[Example, ...]:
    return order_pool(examples, lambda one: str(one.answer), seed, number)


@settings(max_examples=60)
@given(sizes=SIZES, number=st.integers(0, 2000), seed=st.integers(0, 2**31))
def test_every_beginning_holds_each_class_in_proportion(sizes: dict[str, int], number: int, seed: int) -> None:
    examples = pool(sizes)
    found = order(examples, number, seed)
    assert sorted(one.id for one in found) == sorted(one.id for one in examples), "each once"
    for n in range(1, len(found) + 1):
        counts = Counter(str(one.answer) for one in found[:n])
        for label, size in sizes.items():
            assert abs(counts[label] - n * size / len(found)) < len(sizes)


@settings(max_examples=30)
@given(sizes=SIZES, number=st.integers(0, 2000), shuffled=st.randoms(use_true_random=False))
def test_the_order_of_the_file_changes_nothing(sizes: dict[str, int], number: int, shuffled: random.Random) -> None:
    examples = pool(sizes)
    other = examples[:]
    shuffled.shuffle(other)
    assert order(examples, number) == order(other, number)


def test_chains_differ_and_each_is_always_the_same() -> None:
    examples = pool({"good": 20, "bad": 10})
    numbers = [*range(20), *range(FIRST_CURVE_REPLICATE, FIRST_CURVE_REPLICATE + 20)]
    first = [order(examples, number) for number in numbers]
    assert len(set(first)) == len(numbers), "the curve's chains are others than the levers'"
    assert [order(examples, number) for number in reversed(numbers)] == first[::-1]
    assert order(examples, 0, seed=2) != first[0]


@settings(max_examples=30)
@given(sizes=SIZES, number=st.integers(0, 1000))
def test_two_chains_of_a_pair_share_no_label_up_to_half_of_the_pool(sizes: dict[str, int], number: int) -> None:
    examples = pool(sizes)
    one, other = (order(examples, 2 * number + odd) for odd in (0, 1))
    half = len(examples) // 2
    assert not {example.id for example in one[:half]} & {example.id for example in other[:half]}


def test_every_label_comes_early_as_often_as_any_other() -> None:
    examples = pool({"good": 6, "bad": 6})
    firsts = Counter(one.id for number in range(1200) for one in order(examples, number)[:3])
    assert all(250 < firsts[one.id] < 350 for one in examples), firsts


@pytest.mark.parametrize(
    ("labels", "steps", "expected"),
    [
        (240, 6, (0, 15, 30, 60, 120, 240)),
        (10, 4, (0, 2, 5, 10)),
        (3, 6, (0, 1, 2, 3)),
        (1, 4, (0, 1)),
    ],
)
def test_budgets_are_halves_and_zero(labels: int, steps: int, expected: tuple[int, ...]) -> None:
    assert list_budgets(labels, steps) == expected


def test_more_budgets_keep_those_there_are() -> None:
    for labels in (7, 100, 240, 1000):
        for steps in range(4, 10):
            assert set(list_budgets(labels, steps)) <= set(list_budgets(labels, steps + 1))
