"""Credit adds up, is the same for the same work, and sees levers that help or hinder each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import DataError
from satiety.evaluate.bootstrap import Resampling
from satiety.worth.credit import assign_credit, compute_interaction
from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import BASELINE, Key, LeverSet, Scores, resample_scores
from tests.additive import additive

if TYPE_CHECKING:
    from satiety.problems.base import Floats

NAMES = ("a", "b", "c")
SETS = [chosen for size in range(4) for chosen in combinations(NAMES, size)]
BUDGETS = (0, 15, 30, 60, 120, 240)


def game(worths: list[float]) -> dict[LeverSet, BootstrapSamples]:
    return {chosen: BootstrapSamples(np.array([worth, 2 * worth])) for chosen, worth in zip(SETS, worths, strict=True)}


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_shares_add_up_to_the_joint_gain(worths: list[float]) -> None:
    values = game(worths)
    total = sum(compute_interaction(values, (lever,)).rows for lever in NAMES)
    np.testing.assert_allclose(total, values[NAMES].rows - values[BASELINE].rows, atol=1e-9)


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4))
def test_levers_that_only_add_get_what_they_add_and_do_not_interact(adds: list[float]) -> None:
    start, own = adds[0], dict(zip(NAMES, adds[1:], strict=True))
    values = game([start + sum(own[lever] for lever in chosen) for chosen in SETS])
    for lever in NAMES:
        assert compute_interaction(values, (lever,)).point == pytest.approx(own[lever], abs=1e-9)
    for pair in combinations(NAMES, 2):
        assert compute_interaction(values, pair).point == pytest.approx(0, abs=1e-9)


def test_two_that_do_the_same_share_it_and_a_third_gets_nothing() -> None:
    values = game([float(bool({"a", "b"} & set(chosen))) for chosen in SETS])
    assert [float(compute_interaction(values, (lever,)).point) for lever in NAMES] == pytest.approx([0.5, 0.5, 0])
    assert compute_interaction(values, ("a", "b")).point == pytest.approx(-1)
    assert compute_interaction(values, ("a", "c")).point == pytest.approx(0)


def test_a_textbook_game_of_two() -> None:
    """Worth 1 alone, 2 alone, 5 together: both add 2 to what they do alone, and share it."""
    values = {
        s: BootstrapSamples(np.array([v])) for s, v in {(): 0.0, ("a",): 1.0, ("b",): 2.0, ("a", "b"): 5.0}.items()
    }
    assert [float(compute_interaction(values, (lever,)).point) for lever in "ab"] == [2, 3]
    assert compute_interaction(values, ("a", "b")).point == 2


def measured(sets: list[LeverSet], missing: frozenset[Key] = frozenset()) -> Scores:
    """Return scores on 300 texts and 6 chains: a adds 4 points, b 2, together they add 9."""
    adds = {(): 0.0, ("a",): 0.04, ("b",): 0.02, ("a", "b"): 0.09}
    texts, rng = np.linspace(0, 1, 300), np.random.default_rng(1)
    effects = 0.01 * rng.standard_normal(6)

    def cells(chosen: list[LeverSet]) -> Iterator[tuple[Key, Floats]]:
        for levers in chosen:
            for n in BUDGETS:
                for chain, effect in enumerate(effects):
                    right = texts < (0.8 - 1.5 * n**-0.5 if n else 0.2) + adds[levers] + effect
                    if (n, levers, chain) not in missing:
                        yield (n, levers, chain), np.stack([right, np.ones(300)], axis=1).astype(float)

    def accuracy(sums: Floats) -> dict[str, Floats]:
        return {"accuracy": sums[..., 0] / sums[..., 1]}

    return resample_scores(
        additive(accuracy), "accuracy", cells(sets), cells([BASELINE]), np.arange(300), Resampling(1, 300, 0.95)
    )


PAIR = [BASELINE, ("a",), ("b",), ("a", "b")]


def test_credit_splits_the_joint_gain_in_score_and_in_labels() -> None:
    found = assign_credit(measured(PAIR), ("b", "a"), 0.95)
    assert [one.budget for one in found] == list(BUDGETS[1:])
    for one in found:
        assert [share.levers for share in one.shares] == [("a",), ("b",)]
        assert [share.levers for share in one.interactions] == [("a", "b")]
        assert one.joint.gain.value == pytest.approx(0.09, abs=0.005)
        assert sum(share.gain.value for share in one.shares) == pytest.approx(one.joint.gain.value)
        if one.joint.labels:
            assert sum(share.labels.value for share in one.shares) == pytest.approx(one.joint.labels.value)
        assert one.interactions[0].gain.value == pytest.approx(0.03, abs=0.005)
        assert one.joint.gain.low <= one.joint.gain.value <= one.joint.gain.high
    middle = found[1]
    assert middle.joint.labels.value > 0
    assert not middle.is_capped


def test_labels_beyond_the_curve_are_not_told() -> None:
    last = assign_credit(measured(PAIR), ("a", "b"), 0.95)[-1]
    assert last.is_capped
    assert last.joint.gain.value == pytest.approx(0.09, abs=0.005)
    assert {share.labels for share in (last.joint, *last.shares, *last.interactions)} == {None}


def test_chains_that_one_combination_lacks_count_for_none() -> None:
    missing = frozenset((n, ("a",), chain) for n in BUDGETS for chain in (3, 4, 5))
    found = assign_credit(measured(PAIR, missing), ("a", "b"), 0.95)
    assert found[1].joint.gain.value == pytest.approx(0.09, abs=0.005)
    one = frozenset({(30, ("b",), chain) for chain in range(6)})
    assert [split.budget for split in assign_credit(measured(PAIR, one), ("a", "b"), 0.95)] == [15, 60, 120, 240]


def test_a_combination_that_was_not_measured_is_named() -> None:
    with pytest.raises(DataError, match=r"every combination of the levers; not measured: b, a\+b"):
        assign_credit(measured([BASELINE, ("a",)]), ("a", "b"), 0.95)
