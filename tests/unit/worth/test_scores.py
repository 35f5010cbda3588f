"""Cells become scores: paired, whatever their order, and with cells missing."""

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

HOW = Resampling(seed=1, resamples=300, confidence_level=0.95)
ALONE = np.arange(40)
"""Every test text is a group by itself."""
BUDGETS = (0, 10, 20)
Cells = dict[Key, "Floats"]


def accuracy(sums: Floats) -> dict[str, Floats]:
    return {"accuracy": sums[..., 0] / sums[..., 1]}


def tallies(right: int, count: int = 40) -> Floats:
    return np.stack([np.arange(count) < right, np.ones(count)], axis=1).astype(float)


def cells(levers: tuple[str, ...], chains: int, more: int = 0) -> Cells:
    return {(n, levers, c): tallies(10 + n // 2 + c + more) for n in BUDGETS for c in range(chains)}


def measured(ours: Cells, curve: Cells | None = None) -> Scores:
    return resample_scores(
        additive(accuracy), "accuracy", ours.items(), (curve or cells(BASELINE, 4)).items(), ALONE, HOW
    )


def test_scores_are_means_over_chains() -> None:
    scores = measured(cells(BASELINE, 3) | cells(("a",), 3, more=4))
    assert scores.budgets == BUDGETS
    np.testing.assert_allclose(scores.mean(BASELINE), [11 / 40, 16 / 40, 21 / 40])
    np.testing.assert_allclose(scores.mean(("a",)), [15 / 40, 20 / 40, 25 / 40])
    np.testing.assert_allclose(scores.curve.point, [11.5 / 40, 16.5 / 40, 21.5 / 40])
    assert scores.curve.draws.shape == compute_gain(scores, ("a",)).draws.shape == (300, 3)
    assert scores.pool_noise[("a",)].shape == (300,)


def test_the_order_of_cells_changes_nothing_and_they_may_come_one_by_one() -> None:
    ours = cells(BASELINE, 3) | cells(("a",), 3, more=4)
    turned = dict(reversed(ours.items()))
    one = measured(ours)
    two = resample_scores(
        additive(accuracy), "accuracy", iter(turned.items()), iter(cells(BASELINE, 4).items()), ALONE, HOW
    )
    np.testing.assert_array_equal(compute_gain(one, ("a",)).rows, compute_gain(two, ("a",)).rows)
    np.testing.assert_array_equal(one.curve.rows, two.curve.rows)
    assert list(one.replicates) == list(two.replicates) == [BASELINE, ("a",)]


def test_a_ruler_measures_each_cell_once_and_says_the_same() -> None:
    calls: list[int] = []

    def counted(sums: Floats) -> dict[str, Floats]:
        calls.append(1)
        return accuracy(sums)

    ruler, ours = Scorer(additive(counted), "accuracy", ALONE, HOW), cells(BASELINE, 3) | cells(("a",), 3, more=4)
    ruler.measure(cells(BASELINE, 2).items(), cells(BASELINE, 4).items())
    again = ruler.measure(ours.items(), cells(BASELINE, 4).items())
    assert len(calls) == len(ours) + len(cells(BASELINE, 4))
    np.testing.assert_array_equal(compute_gain(again, ("a",)).rows, compute_gain(measured(ours), ("a",)).rows)


def test_a_lever_is_compared_with_plain_in_the_chains_it_has() -> None:
    """It ran in the two worst chains alone: its mean is below plain's, its gain above 0."""
    scores = measured(cells(BASELINE, 6) | cells(("a",), 2, more=1))
    assert (scores.mean(("a",)) < scores.mean(BASELINE)).all()
    np.testing.assert_allclose(compute_gain(scores, ("a",)).point, 1 / 40)
    same = scores.restrict_to_common([BASELINE, ("a",)])
    np.testing.assert_allclose(same.mean(("a",)) - same.mean(BASELINE), 1 / 40)
    np.testing.assert_allclose(same.curve.point, scores.curve.point)


def test_common_changes_nothing_where_nothing_is_missing() -> None:
    scores = measured(cells(BASELINE, 3) | cells(("a",), 3, more=4))
    same = scores.restrict_to_common([BASELINE, ("a",)])
    np.testing.assert_array_equal(compute_gain(same, ("a",)).rows, compute_gain(scores, ("a",)).rows)
    np.testing.assert_array_equal(same.curve.rows, scores.curve.rows)


def test_a_gain_over_another_lever_set() -> None:
    scores = measured(cells(BASELINE, 3) | cells(("a",), 3, more=4) | cells(("a", "b"), 3, more=5))
    np.testing.assert_allclose(compute_gain(scores, ("a", "b"), reference=("a",)).point, 1 / 40)


def test_a_lever_that_copies_gains_nothing_in_any_draw() -> None:
    copied = {(n, ("a",), c): tally for (n, _, c), tally in cells(BASELINE, 3).items()}
    np.testing.assert_allclose(compute_gain(measured(cells(BASELINE, 3) | copied), ("a",)).rows, 0, atol=1e-12)


def test_a_budget_that_a_lever_set_lacks_is_nan() -> None:
    some = {key: tally for key, tally in cells(("a",), 3).items() if key[0] != 10}
    scores = measured(cells(BASELINE, 3) | some)
    assert np.isnan(scores.mean(("a",))).tolist() == [False, True, False]
    assert np.isnan(compute_gain(scores, ("a",)).point).tolist() == [False, True, False]


@pytest.mark.parametrize("empty", [{}, {(0, BASELINE, 0): np.zeros((0, 2))}])
def test_nothing_to_measure_is_refused(empty: Cells) -> None:
    with pytest.raises(DataError, match=r"worth: (no runs to score|the test set is empty)"):
        measured(empty)


def test_cells_on_different_test_sets_are_refused() -> None:
    with pytest.raises(DataError, match="a run has 41 test examples, but the test set has 40"):
        measured(cells(BASELINE, 2) | {(10, ("a",), 0): tallies(3, count=41)})
