"""Orders of the pool: every beginning holds the classes in proportion, and no chain minds the others."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.worth.replicates import FIRST_CURVE_REPLICATE, list_budgets, order_pool

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
