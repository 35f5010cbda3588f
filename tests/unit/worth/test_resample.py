"""Means over chains are drawn as Student's t has them, pairs stay pairs, and crossed luck is counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.worth.resample import BootstrapNoise, BootstrapSamples, ReplicateScores, compute_means

if TYPE_CHECKING:
    from satiety.problems.base import Floats

RESAMPLES = 4000


def chains(point: Floats, test: Floats | None = None) -> ReplicateScores:
    """Return chains whose scores the test examples move by ``test``; shape (resamples, budgets, chains)."""
    return ReplicateScores(point, point + (np.zeros((RESAMPLES, *point.shape)) if test is None else test))


def luck(count: int, group: int = 0) -> BootstrapNoise:
    return BootstrapNoise.sample((1, group), RESAMPLES, count)


@pytest.mark.parametrize(("count", "quantile"), [(3, 4.303), (5, 2.776), (10, 2.262), (20, 2.093)])
def test_the_interval_of_a_mean_is_students(count: int, quantile: float) -> None:
    point = np.random.default_rng(1).normal(0.5, 0.1, (1, count))
    many = ReplicateScores(point, np.broadcast_to(point, (200_000, *point.shape)))
    found = compute_means([(many, BootstrapNoise.sample((1,), 200_000, count))])[0][0].interval(0.95)
    half = quantile * point.std(ddof=1) / np.sqrt(count)
    assert found.value == pytest.approx(point.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.02)
    assert (found.high + found.low) / 2 == pytest.approx(point.mean(), abs=half / 20)


def test_what_a_chain_does_to_all_lever_sets_cancels_in_a_difference() -> None:
    plain = np.random.default_rng(2).normal(0.5, 0.1, (2, 6))
    difference = compute_means([(chains(plain + 0.05) - chains(plain), luck(6))])[0]
    np.testing.assert_allclose(difference.rows, 0.05)


def test_a_group_that_grows_keeps_the_luck_of_its_first_chains() -> None:
    small, large = luck(3), luck(7)
    np.testing.assert_array_equal(small.multipliers, large.multipliers[:, :3])
    np.testing.assert_array_equal(small.scale, large.scale[:, :3])
    assert not np.array_equal(luck(3).multipliers, luck(3, group=1).multipliers)


def test_one_chain_has_the_luck_of_the_test_set_alone() -> None:
    test = np.random.default_rng(3).normal(0, 0.02, (RESAMPLES, 1, 1))
    found = compute_means([(chains(np.array([[0.6]]), test), luck(1))])[0]
    assert found.point == pytest.approx(0.6)
    np.testing.assert_allclose(found.draws[:, 0], 0.6 + test[:, 0, 0] - test.mean())


def test_chains_that_are_missing_are_left_out_and_a_budget_without_any_is_nan() -> None:
    point = np.array([[0.4, np.nan, 0.6, 0.5], [np.nan] * 4, [0.4, 0.5, np.nan, np.nan]])
    found = compute_means([(chains(point), luck(4))])[0]
    np.testing.assert_allclose(found.point, [0.5, np.nan, 0.45])
    assert np.isnan(found.draws[:, 1]).all()
    assert np.isfinite(found.draws[:, [0, 2]]).all()
    whole = compute_means(
        [
            (
                chains(point[:1, [0, 2, 3]]),
                BootstrapNoise(*(part[:, [0, 2, 3]] for part in (luck(4).multipliers, luck(4).scale))),
            )
        ]
    )
    assert found[0].interval(0.95).high == pytest.approx(whole[0][0].interval(0.95).high, rel=0.1)


def test_chains_of_no_spread_on_a_test_set_without_luck_have_none() -> None:
    found = compute_means([(chains(np.full((2, 4), 0.5)), luck(4))])[0]
    np.testing.assert_array_equal(found.rows, 0.5)


def test_pooled_takes_the_mean_of_the_budgets_that_were_measured() -> None:
    point = np.array([[0.2, 0.4, 0.5], [np.nan, np.nan, np.nan], [0.4, np.nan, 0.7]])
    np.testing.assert_allclose(chains(point).average_budgets().point, [[0.3, np.nan, 0.6]])


def crossed(rng: np.random.Generator, count: int, group: Floats, own: float) -> ReplicateScores:
    """Return one budget's chains: they share the test set's luck ``group``, and each has luck of its own with it.

    Draws of a bootstrap go around the score as the score goes around the truth, example for example.
    """
    peculiar, drawn = own * rng.standard_normal(count), own * rng.standard_normal((RESAMPLES, 1, count))
    return chains((0.5 + peculiar)[None], group[:, None, None] + drawn)


def test_what_examples_do_to_single_chains_is_counted_once() -> None:
    """Two groups on one test set: the variance of their means, and of their difference, as it truly is."""
    rng, variances, apart = np.random.default_rng(5), [], []
    for _ in range(60):
        group = 0.01 * rng.standard_normal(RESAMPLES)
        one, two = (crossed(rng, count, group, 0.04) for count in (10, 20))
        first, second = compute_means([(one, luck(10)), (two, luck(20, group=1))])
        variances.append(np.var(first.draws[:, 0]))
        apart.append(np.var((first - second).draws[:, 0]))
    student = 9 / 7, 19 / 17  # variance of Student's t
    assert np.mean(variances) == pytest.approx(0.01**2 + student[0] * 0.04**2 / 10, rel=0.15)
    assert np.mean(apart) == pytest.approx(0.04**2 * (student[0] / 10 + student[1] / 20), rel=0.15)


def test_quantities_are_taken_apart_and_subtracted_draw_by_draw() -> None:
    both = BootstrapSamples.from_draws([0.5, 0.7], np.array([[0.4, 0.7], [0.6, 0.9]]))
    difference = both[1] - both[0]
    assert difference.point == pytest.approx(0.2)
    np.testing.assert_allclose(difference.draws, [0.3, 0.3])
