"""Runs become scores: paired, in any order, and with missing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.core.errors import DataError
from satiety.evaluate.bootstrap import Resampling
from satiety.worth.scores import BASELINE, Key, Scorer, Scores, compute_gain, resample_scores
from tests.additive import additive

if TYPE_CHECKING:
    from satiety.problems.base import Floats

RESAMPLING = Resampling(seed=1, resamples=300, confidence_level=0.95)
GROUPS = np.arange(40)
"""Every test text is a group by itself."""
BUDGETS = (0, 10, 20)
Runs = dict[Key, "Floats"]


def accuracy(sums: Floats) -> dict[str, Floats]:
    return {"accuracy": sums[..., 0] / sums[..., 1]}


def build_tallies(num_right: int, count: int = 40) -> Floats:
    return np.stack([np.arange(count) < num_right, np.ones(count)], axis=1).astype(float)


def build_runs(levers: tuple[str, ...], replicates: int, extra: int = 0) -> Runs:
    return {(n, levers, c): build_tallies(10 + n // 2 + c + extra) for n in BUDGETS for c in range(replicates)}


def measure_scores(lever_runs: Runs, curve: Runs | None = None) -> Scores:
    return resample_scores(
        additive(accuracy),
        "accuracy",
        lever_runs.items(),
        (curve or build_runs(BASELINE, 4)).items(),
        GROUPS,
        RESAMPLING,
    )


def test_scores_are_means_over_replicates() -> None:
    scores = measure_scores(build_runs(BASELINE, 3) | build_runs(("a",), 3, extra=4))
    assert scores.budgets == BUDGETS
    np.testing.assert_allclose(scores.mean(BASELINE), [11 / 40, 16 / 40, 21 / 40])
    np.testing.assert_allclose(scores.mean(("a",)), [15 / 40, 20 / 40, 25 / 40])
    np.testing.assert_allclose(scores.curve.point, [11.5 / 40, 16.5 / 40, 21.5 / 40])
    assert scores.curve.draws.shape == compute_gain(scores, ("a",)).draws.shape == (300, 3)
    assert scores.pool_noise[("a",)].shape == (300,)


def test_scores_do_not_depend_on_the_order_of_runs() -> None:
    lever_runs = build_runs(BASELINE, 3) | build_runs(("a",), 3, extra=4)
    reversed_runs = dict(reversed(lever_runs.items()))
    scores = measure_scores(lever_runs)
    reordered_scores = resample_scores(
        additive(accuracy),
        "accuracy",
        iter(reversed_runs.items()),
        iter(build_runs(BASELINE, 4).items()),
        GROUPS,
        RESAMPLING,
    )
    np.testing.assert_array_equal(compute_gain(scores, ("a",)).rows, compute_gain(reordered_scores, ("a",)).rows)
    np.testing.assert_array_equal(scores.curve.rows, reordered_scores.curve.rows)
    assert list(scores.replicates) == list(reordered_scores.replicates) == [BASELINE, ("a",)]


def test_scorer_measures_each_run_once() -> None:
    calls: list[int] = []

    def count_calls(sums: Floats) -> dict[str, Floats]:
        calls.append(1)
        return accuracy(sums)

    scorer, lever_runs = (
        Scorer(additive(count_calls), "accuracy", GROUPS, RESAMPLING),
        build_runs(BASELINE, 3) | build_runs(("a",), 3, extra=4),
    )
    scorer.measure(build_runs(BASELINE, 2).items(), build_runs(BASELINE, 4).items())
    repeated = scorer.measure(lever_runs.items(), build_runs(BASELINE, 4).items())
    assert len(calls) == len(lever_runs) + len(build_runs(BASELINE, 4))
    np.testing.assert_array_equal(
        compute_gain(repeated, ("a",)).rows, compute_gain(measure_scores(lever_runs), ("a",)).rows
    )


def test_lever_is_compared_with_the_baseline_in_its_own_replicates() -> None:
    """It ran in the two worst replicates only: its mean is below the baseline's, its gain above 0."""
    scores = measure_scores(build_runs(BASELINE, 6) | build_runs(("a",), 2, extra=1))
    assert (scores.mean(("a",)) < scores.mean(BASELINE)).all()
    np.testing.assert_allclose(compute_gain(scores, ("a",)).point, 1 / 40)
    common = scores.restrict_to_common([BASELINE, ("a",)])
    np.testing.assert_allclose(common.mean(("a",)) - common.mean(BASELINE), 1 / 40)
    np.testing.assert_allclose(common.curve.point, scores.curve.point)


def test_restrict_to_common_changes_nothing_where_nothing_is_missing() -> None:
    scores = measure_scores(build_runs(BASELINE, 3) | build_runs(("a",), 3, extra=4))
    common = scores.restrict_to_common([BASELINE, ("a",)])
    np.testing.assert_array_equal(compute_gain(common, ("a",)).rows, compute_gain(scores, ("a",)).rows)
    np.testing.assert_array_equal(common.curve.rows, scores.curve.rows)


def test_gain_can_be_measured_over_another_lever_set() -> None:
    scores = measure_scores(
        build_runs(BASELINE, 3) | build_runs(("a",), 3, extra=4) | build_runs(("a", "b"), 3, extra=5)
    )
    np.testing.assert_allclose(compute_gain(scores, ("a", "b"), reference=("a",)).point, 1 / 40)


def test_a_lever_that_copies_gains_nothing_in_any_draw() -> None:
    copied = {(n, ("a",), c): tally for (n, _, c), tally in build_runs(BASELINE, 3).items()}
    np.testing.assert_allclose(
        compute_gain(measure_scores(build_runs(BASELINE, 3) | copied), ("a",)).rows, 0, atol=1e-12
    )


def test_a_budget_that_a_lever_set_lacks_is_nan() -> None:
    incomplete = {key: tally for key, tally in build_runs(("a",), 3).items() if key[0] != 10}
    scores = measure_scores(build_runs(BASELINE, 3) | incomplete)
    assert np.isnan(scores.mean(("a",))).tolist() == [False, True, False]
    assert np.isnan(compute_gain(scores, ("a",)).point).tolist() == [False, True, False]


@pytest.mark.parametrize("empty", [{}, {(0, BASELINE, 0): np.zeros((0, 2))}])
def test_no_runs_and_an_empty_test_set_are_refused(empty: Runs) -> None:
    with pytest.raises(DataError, match=r"worth: (no runs to score|the test set is empty)"):
        measure_scores(empty)


def test_runs_on_different_test_sets_are_refused() -> None:
    with pytest.raises(DataError, match="a run has 41 test examples, but the test set has 40"):
        measure_scores(build_runs(BASELINE, 2) | {(10, ("a",), 0): build_tallies(3, count=41)})
