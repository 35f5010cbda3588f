"""Means over replicates follow Student's t, pairs stay paired, and noise shared by replicates is counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.worth.resample import BootstrapNoise, BootstrapSamples, ReplicateScores, compute_means

if TYPE_CHECKING:
    from satiety.problems.base import Floats

RESAMPLES = 4000


def build_replicates(point: Floats, test: Floats | None = None) -> ReplicateScores:
    """Return replicates whose scores the test examples move by ``test``; shape (resamples, budgets, replicates)."""
    return ReplicateScores(point, point + (np.zeros((RESAMPLES, *point.shape)) if test is None else test))


def sample_noise(count: int, group: int = 0) -> BootstrapNoise:
    return BootstrapNoise.sample((1, group), RESAMPLES, count)


@pytest.mark.parametrize(("count", "quantile"), [(3, 4.303), (5, 2.776), (10, 2.262), (20, 2.093)])
def test_interval_of_a_mean_is_that_of_students_t(count: int, quantile: float) -> None:
    point = np.random.default_rng(1).normal(0.5, 0.1, (1, count))
    replicates = ReplicateScores(point, np.broadcast_to(point, (200_000, *point.shape)))
    interval = compute_means([(replicates, BootstrapNoise.sample((1,), 200_000, count))])[0][0].interval(0.95)
    half = quantile * point.std(ddof=1) / np.sqrt(count)
    assert interval.value == pytest.approx(point.mean())
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=0.02)
    assert (interval.high + interval.low) / 2 == pytest.approx(point.mean(), abs=half / 20)


def test_effect_of_a_replicate_on_all_lever_sets_cancels_in_a_difference() -> None:
    baseline = np.random.default_rng(2).normal(0.5, 0.1, (2, 6))
    difference = compute_means([(build_replicates(baseline + 0.05) - build_replicates(baseline), sample_noise(6))])[0]
    np.testing.assert_allclose(difference.rows, 0.05)


def test_larger_group_keeps_the_noise_of_its_first_replicates() -> None:
    small, large = sample_noise(3), sample_noise(7)
    np.testing.assert_array_equal(small.multipliers, large.multipliers[:, :3])
    np.testing.assert_array_equal(small.scale, large.scale[:, :3])
    assert not np.array_equal(sample_noise(3).multipliers, sample_noise(3, group=1).multipliers)


def test_one_replicate_has_only_the_noise_of_the_test_set() -> None:
    test = np.random.default_rng(3).normal(0, 0.02, (RESAMPLES, 1, 1))
    means = compute_means([(build_replicates(np.array([[0.6]]), test), sample_noise(1))])[0]
    assert means.point == pytest.approx(0.6)
    np.testing.assert_allclose(means.draws[:, 0], 0.6 + test[:, 0, 0] - test.mean())


def test_missing_replicates_are_ignored_and_a_budget_without_any_is_nan() -> None:
    point = np.array([[0.4, np.nan, 0.6, 0.5], [np.nan] * 4, [0.4, 0.5, np.nan, np.nan]])
    means = compute_means([(build_replicates(point), sample_noise(4))])[0]
    np.testing.assert_allclose(means.point, [0.5, np.nan, 0.45])
    assert np.isnan(means.draws[:, 1]).all()
    assert np.isfinite(means.draws[:, [0, 2]]).all()
    complete = compute_means(
        [
            (
                build_replicates(point[:1, [0, 2, 3]]),
                BootstrapNoise(*(part[:, [0, 2, 3]] for part in (sample_noise(4).multipliers, sample_noise(4).scale))),
            )
        ]
    )
    assert means[0].interval(0.95).high == pytest.approx(complete[0][0].interval(0.95).high, rel=0.1)


def test_equal_replicates_without_test_noise_have_no_spread() -> None:
    means = compute_means([(build_replicates(np.full((2, 4), 0.5)), sample_noise(4))])[0]
    np.testing.assert_array_equal(means.rows, 0.5)


def test_average_budgets_takes_the_mean_of_measured_budgets() -> None:
    point = np.array([[0.2, 0.4, 0.5], [np.nan, np.nan, np.nan], [0.4, np.nan, 0.7]])
    np.testing.assert_allclose(build_replicates(point).average_budgets().point, [[0.3, np.nan, 0.6]])


def draw_crossed(rng: np.random.Generator, count: int, group: Floats, own_spread: float) -> ReplicateScores:
    """Return one budget's replicates: they share the noise ``group`` of the test set, and each has its own.

    Bootstrap draws vary around the score as the score varies around the truth, example by example.
    """
    own_noise, own_draws = (
        own_spread * rng.standard_normal(count),
        own_spread * rng.standard_normal((RESAMPLES, 1, count)),
    )
    return build_replicates((0.5 + own_noise)[None], group[:, None, None] + own_draws)


def test_noise_of_examples_in_single_replicates_is_counted_once() -> None:
    """Two groups on one test set: the variances of their means and of their difference are the true ones."""
    rng, variances, difference_variances = np.random.default_rng(5), [], []
    for _ in range(60):
        group = 0.01 * rng.standard_normal(RESAMPLES)
        first_group, second_group = (draw_crossed(rng, count, group, 0.04) for count in (10, 20))
        first, second = compute_means([(first_group, sample_noise(10)), (second_group, sample_noise(20, group=1))])
        variances.append(np.var(first.draws[:, 0]))
        difference_variances.append(np.var((first - second).draws[:, 0]))
    student = 9 / 7, 19 / 17  # variance of Student's t
    assert np.mean(variances) == pytest.approx(0.01**2 + student[0] * 0.04**2 / 10, rel=0.15)
    assert np.mean(difference_variances) == pytest.approx(0.04**2 * (student[0] / 10 + student[1] / 20), rel=0.15)


def test_quantities_are_indexed_and_subtracted_draw_by_draw() -> None:
    pair = BootstrapSamples.from_draws([0.5, 0.7], np.array([[0.4, 0.7], [0.6, 0.9]]))
    difference = pair[1] - pair[0]
    assert difference.point == pytest.approx(0.2)
    np.testing.assert_allclose(difference.draws, [0.3, 0.3])
