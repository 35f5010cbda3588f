"""A run's key: it changes with everything that decides the outcome, and with nothing else."""

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

SELF_TRAINING = LEVERS["self_training"].sample()
RUN = StudyRun(60, ("self_training",), 3)
RECIPE: dict[str, Any] = {"seed": 1, "l2": [0.1]}
INPUTS = ["pool", "test", "model", "problem"]
EVALUATING_MODULES = ("satiety.worth.evaluator", "satiety.levers.base")
"""Modules that evaluate a run."""
OTHER_MODULES = (
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
"""Errors, files and params: what they read is in the key itself."""


def compute_key(run: StudyRun = RUN, recipe: Any = RECIPE, inputs: Any = INPUTS, levers: Any = (SELF_TRAINING,)) -> str:
    return hash_run(run, recipe, inputs, levers)


def test_equal_runs_have_equal_keys() -> None:
    assert compute_key() == compute_key()
    assert len(compute_key()) == 64


@pytest.mark.parametrize(
    "changed",
    [
        {"run": replace(RUN, budget=30)},
        {"run": replace(RUN, levers=())},
        {"run": replace(RUN, replicate=4)},
        {"run": replace(RUN, depth="fine_tuned")},
        {"run": replace(RUN, is_gated=False)},
        {"recipe": RECIPE | {"l2": [0.1, 0.01]}},
        {"inputs": ["pool 2", *INPUTS[1:]]},
        {"inputs": [*INPUTS[:2], "model 2", INPUTS[3]]},
        {"levers": (SELF_TRAINING.model_copy(update={"rounds": 5}),)},
        {"levers": (SELF_TRAINING, LEVERS["copy"].sample())},
        {"levers": (LEVERS["copy"].sample(), SELF_TRAINING)},
    ],
    ids=str,
)
def test_key_changes_with_each_input(changed: dict[str, Any]) -> None:
    assert compute_key(**changed) != compute_key()


def test_key_changes_with_the_code_of_its_levers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    first, changed = compute_key(), "satiety.levers.augmentation"
    monkeypatch.setattr(runs, "hash_code", lambda name: "new" if name == changed else hash_code(name))
    assert compute_key() == first
    changed = SELF_TRAINING.__class__.__module__
    assert compute_key() != first


@pytest.mark.parametrize("name", CORE_MODULES)
def test_key_changes_with_the_code_of_every_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compute_key(levers=())
    monkeypatch.setattr(runs, "hash_code", lambda module: "new" if module == name else hash_code(module))
    assert compute_key(levers=()) != first


def test_lever_names_the_packages_it_depends_on() -> None:
    graph = grimp.build_graph("satiety")
    for name in LEVERS:
        dependencies = graph.find_upstream_modules(LEVERS[name].__module__)
        packages = {".".join(module.split(".")[:2]) for module in dependencies}
        assert packages & {"satiety.levers.augment", "satiety.levers.pretrain", "satiety.levers.retrieve"} <= set(
            LEVERS[name].code
        ), name


def test_key_covers_the_code_that_evaluates_a_run() -> None:
    """Otherwise outcomes of older code would be reused."""
    graph = grimp.build_graph("satiety")
    dependencies = set[str]().union(*({name, *graph.find_upstream_modules(name)} for name in EVALUATING_MODULES))
    covered = (
        *CORE_MODULES,
        "satiety.levers",
        "satiety.levers.augment",
        "satiety.levers.pretrain",
        "satiety.levers.retrieve",
        *OTHER_MODULES,
    )
    missing = {
        name
        for name in dependencies
        if not any(name == package or name.startswith(f"{package}.") for package in covered)
    }
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


def build_pool(sizes: dict[str, int]) -> list[Example]:
    return [
        Example(f"{label}-{i}", {"text": f"{label} {i}"}, answer=Label(label))
        for label, count in sizes.items()
        for i in range(count)
    ]


def order_examples(examples: list[Example], number: int, seed: int = 1) -> tuple[Example, ...]:
    return order_pool(examples, lambda example: str(example.answer), seed, number)


@settings(max_examples=60)
@given(sizes=SIZES, number=st.integers(0, 2000), seed=st.integers(0, 2**31))
def test_first_examples_of_an_order_hold_each_class_in_proportion(
    sizes: dict[str, int], number: int, seed: int
) -> None:
    examples = build_pool(sizes)
    ordered_examples = order_examples(examples, number, seed)
    assert sorted(example.id for example in ordered_examples) == sorted(example.id for example in examples), (
        "each example once"
    )
    for n in range(1, len(ordered_examples) + 1):
        counts = Counter(str(example.answer) for example in ordered_examples[:n])
        for label, size in sizes.items():
            assert abs(counts[label] - n * size / len(ordered_examples)) < len(sizes)


@settings(max_examples=30)
@given(sizes=SIZES, number=st.integers(0, 2000), shuffled=st.randoms(use_true_random=False))
def test_order_does_not_depend_on_the_order_of_the_file(
    sizes: dict[str, int], number: int, shuffled: random.Random
) -> None:
    examples = build_pool(sizes)
    shuffled_examples = examples[:]
    shuffled.shuffle(shuffled_examples)
    assert order_examples(examples, number) == order_examples(shuffled_examples, number)


def test_replicates_differ_and_are_reproducible() -> None:
    examples = build_pool({"good": 20, "bad": 10})
    numbers = [*range(20), *range(FIRST_CURVE_REPLICATE, FIRST_CURVE_REPLICATE + 20)]
    first = [order_examples(examples, number) for number in numbers]
    assert len(set(first)) == len(numbers), "the curve's replicates differ from the levers'"
    assert [order_examples(examples, number) for number in reversed(numbers)] == first[::-1]
    assert order_examples(examples, 0, seed=2) != first[0]


@settings(max_examples=30)
@given(sizes=SIZES, number=st.integers(0, 1000))
def test_two_replicates_of_a_pair_share_no_label_up_to_half_of_the_pool(sizes: dict[str, int], number: int) -> None:
    examples = build_pool(sizes)
    first, second = (order_examples(examples, 2 * number + offset) for offset in (0, 1))
    half = len(examples) // 2
    assert not {example.id for example in first[:half]} & {example.id for example in second[:half]}


def test_every_label_comes_first_equally_often() -> None:
    examples = build_pool({"good": 6, "bad": 6})
    firsts = Counter(example.id for number in range(1200) for example in order_examples(examples, number)[:3])
    assert all(250 < firsts[example.id] < 350 for example in examples), firsts


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


def test_more_budgets_include_fewer() -> None:
    for labels in (7, 100, 240, 1000):
        for steps in range(4, 10):
            assert set(list_budgets(labels, steps)) <= set(list_budgets(labels, steps + 1))
