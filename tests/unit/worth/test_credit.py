"""Credit adds up, is equal for equal levers, and shows levers that help or hinder each other."""

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
SETS = [levers for size in range(4) for levers in combinations(NAMES, size)]
BUDGETS = (0, 15, 30, 60, 120, 240)


def build_values(worths: list[float]) -> dict[LeverSet, BootstrapSamples]:
    return {levers: BootstrapSamples(np.array([worth, 2 * worth])) for levers, worth in zip(SETS, worths, strict=True)}


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_shares_add_up_to_the_joint_gain(worths: list[float]) -> None:
    values = build_values(worths)
    total = sum(compute_interaction(values, (lever,)).rows for lever in NAMES)
    np.testing.assert_allclose(total, values[NAMES].rows - values[BASELINE].rows, atol=1e-9)


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4))
def test_additive_levers_get_their_own_gain_and_no_interaction(adds: list[float]) -> None:
    start, own_gains = adds[0], dict(zip(NAMES, adds[1:], strict=True))
    values = build_values([start + sum(own_gains[lever] for lever in levers) for levers in SETS])
    for lever in NAMES:
        assert compute_interaction(values, (lever,)).point == pytest.approx(own_gains[lever], abs=1e-9)
    for pair in combinations(NAMES, 2):
        assert compute_interaction(values, pair).point == pytest.approx(0, abs=1e-9)


def test_two_equal_levers_share_the_gain_and_a_useless_one_gets_none() -> None:
    values = build_values([float(bool({"a", "b"} & set(levers))) for levers in SETS])
    assert [float(compute_interaction(values, (lever,)).point) for lever in NAMES] == pytest.approx([0.5, 0.5, 0])
    assert compute_interaction(values, ("a", "b")).point == pytest.approx(-1)
    assert compute_interaction(values, ("a", "c")).point == pytest.approx(0)


def test_shares_of_a_textbook_game_of_two() -> None:
    """Worth 1 alone, 2 alone, 5 together: both add 2 to what they do alone, and share it."""
    values = {
        s: BootstrapSamples(np.array([v])) for s, v in {(): 0.0, ("a",): 1.0, ("b",): 2.0, ("a", "b"): 5.0}.items()
    }
    assert [float(compute_interaction(values, (lever,)).point) for lever in "ab"] == [2, 3]
    assert compute_interaction(values, ("a", "b")).point == 2


def build_scores(sets: list[LeverSet], missing: frozenset[Key] = frozenset()) -> Scores:
    """Return scores on 300 texts and 6 replicates: a adds 4 points, b 2, together they add 9."""
    adds = {(): 0.0, ("a",): 0.04, ("b",): 0.02, ("a", "b"): 0.09}
    texts, rng = np.linspace(0, 1, 300), np.random.default_rng(1)
    effects = 0.01 * rng.standard_normal(6)

    def iterate_runs(lever_sets: list[LeverSet]) -> Iterator[tuple[Key, Floats]]:
        for levers in lever_sets:
            for n in BUDGETS:
                for replicate, effect in enumerate(effects):
                    is_right = texts < (0.8 - 1.5 * n**-0.5 if n else 0.2) + adds[levers] + effect
                    if (n, levers, replicate) not in missing:
                        yield (n, levers, replicate), np.stack([is_right, np.ones(300)], axis=1).astype(float)

    def accuracy(sums: Floats) -> dict[str, Floats]:
        return {"accuracy": sums[..., 0] / sums[..., 1]}

    return resample_scores(
        additive(accuracy),
        "accuracy",
        iterate_runs(sets),
        iterate_runs([BASELINE]),
        np.arange(300),
        Resampling(1, 300, 0.95),
    )


PAIR = [BASELINE, ("a",), ("b",), ("a", "b")]


def test_credit_splits_the_joint_gain_in_score_and_in_labels() -> None:
    credits = assign_credit(build_scores(PAIR), ("b", "a"), 0.95)
    assert [credit.budget for credit in credits] == list(BUDGETS[1:])
    for credit in credits:
        assert [share.levers for share in credit.shares] == [("a",), ("b",)]
        assert [share.levers for share in credit.interactions] == [("a", "b")]
        assert credit.joint.gain.value == pytest.approx(0.09, abs=0.005)
        assert sum(share.gain.value for share in credit.shares) == pytest.approx(credit.joint.gain.value)
        if credit.joint.labels:
            assert sum(share.labels.value for share in credit.shares) == pytest.approx(credit.joint.labels.value)
        assert credit.interactions[0].gain.value == pytest.approx(0.03, abs=0.005)
        assert credit.joint.gain.low <= credit.joint.gain.value <= credit.joint.gain.high
    middle = credits[1]
    assert middle.joint.labels.value > 0
    assert not middle.is_capped


def test_labels_beyond_the_curve_are_left_out() -> None:
    last = assign_credit(build_scores(PAIR), ("a", "b"), 0.95)[-1]
    assert last.is_capped
    assert last.joint.gain.value == pytest.approx(0.09, abs=0.005)
    assert {share.labels for share in (last.joint, *last.shares, *last.interactions)} == {None}


def test_replicates_that_one_combination_lacks_are_ignored() -> None:
    missing = frozenset((n, ("a",), replicate) for n in BUDGETS for replicate in (3, 4, 5))
    credits = assign_credit(build_scores(PAIR, missing), ("a", "b"), 0.95)
    assert credits[1].joint.gain.value == pytest.approx(0.09, abs=0.005)
    missing_budget = frozenset({(30, ("b",), replicate) for replicate in range(6)})
    assert [split.budget for split in assign_credit(build_scores(PAIR, missing_budget), ("a", "b"), 0.95)] == [
        15,
        60,
        120,
        240,
    ]


def test_a_combination_that_was_not_measured_is_named() -> None:
    with pytest.raises(DataError, match=r"every combination of the levers; not measured: b, a\+b"):
        assign_credit(build_scores([BASELINE, ("a",)]), ("a", "b"), 0.95)
