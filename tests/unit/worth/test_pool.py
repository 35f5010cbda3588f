"""The variance between pools is estimated from the replicates of one pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.worth.pool import estimate_pool_covariance, sample_pool_noise
from satiety.worth.resample import BootstrapNoise, ReplicateScores
from tests.unit.worth.simulation import simulate_effects

if TYPE_CHECKING:
    from satiety.problems.base import Floats

BUDGETS = (15, 30, 60, 120, 240)


def build_points(seed: int, replicates: int = 20, kinds: int = 1) -> Floats:
    """Return effects of a pool's replicates on some quantities, shape (quantities, budgets, replicates)."""
    rng = np.random.default_rng(seed)
    return simulate_effects(rng, rng.normal(size=(kinds, BUDGETS[-1])), BUDGETS, replicates).transpose(0, 2, 1)


def build_quantity(point: Floats) -> ReplicateScores:
    """Return the quantity as measured on a test set without sampling noise."""
    return ReplicateScores(point, np.broadcast_to(point, (500, *point.shape)))


def estimate_between_pools(points: Floats) -> Floats:
    return estimate_pool_covariance([build_quantity(point) for point in points], BUDGETS)[0]


def sample_noise(seed: int = 0, replicates: int = 20) -> BootstrapNoise:
    return BootstrapNoise.sample((seed,), 500, replicates)


def test_the_variance_between_pools_is_that_of_their_means() -> None:
    """400 pools of 240 labels, each with an effect of variance 1: their means vary by 1 / 240."""
    variances = [estimate_between_pools(build_points(seed))[0, 0] for seed in range(400)]
    assert np.mean(variances) == pytest.approx(1 / 240, rel=0.05)
    true = np.var([build_points(seed)[0, -1, 0] for seed in range(400)])
    assert np.mean(variances) == pytest.approx(true, rel=0.2)


def test_covariance_of_two_quantities_is_estimated() -> None:
    covariances = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shared_effect, own_effect = rng.normal(size=(2, 240))
        pool = np.stack([shared_effect, 0.8 * shared_effect + 0.6 * own_effect])
        covariances.append(estimate_between_pools(simulate_effects(rng, pool, BUDGETS, 20).transpose(0, 2, 1))[0, 1])
    assert np.mean(covariances) == pytest.approx(0.8 / 240, rel=0.1)


def test_noise_of_single_runs_is_no_pool_variance() -> None:
    """Every replicate has its own noise at every budget, as from folds and dropout."""
    variances = []
    for seed in range(200):
        noise = np.random.default_rng([1, seed]).normal(size=(1, len(BUDGETS), 20)) * 0.2
        variances.append(estimate_between_pools(build_points(seed) + noise)[0, 0])
    assert np.mean(variances) == pytest.approx(1 / 240, rel=0.2)


def test_noise_of_the_test_set_is_no_pool_variance() -> None:
    """Every run is right on other texts of 400, though no label has an effect."""
    variances = []
    for seed in range(100):
        rng = np.random.default_rng([2, seed])
        is_right = rng.random((len(BUDGETS), 20, 400)) < 0.6
        is_right[-1] = is_right[-1, :1]
        weights = rng.multinomial(400, np.full(400, 1 / 400), size=200) / 400
        draws = np.einsum("rt,bct->rbc", weights, is_right)
        variances.append(estimate_pool_covariance([ReplicateScores(is_right.mean(axis=2), draws)], BUDGETS)[0][0, 0])
    assert abs(np.mean(variances)) < 0.1 * 0.6 * 0.4 / 400


def test_effects_of_subsets_of_labels_count_as_pool_variance() -> None:
    """A score that depends on the exact subset of labels varies between subsets as between pools."""
    variances = []
    for seed in range(200):
        rough = np.random.default_rng(seed).normal(size=(1, len(BUDGETS), 20)) / np.sqrt(BUDGETS)[:, None]
        rough[:, -1] = rough[:, -1, :1]  # with all labels there is but one subset
        variances.append(estimate_between_pools(rough)[0, 0])
    assert np.mean(variances) == pytest.approx(1 / 240, rel=0.1), (
        "between subsets of one pool alone it would be twice that"
    )


def test_budgets_with_zero_shot_answers_are_ignored() -> None:
    point = build_points(1)
    half = point.copy()
    half[:, 2] = 0.3
    assert estimate_between_pools(half)[0, 0] > 0
    half[:, 3] = 0.3
    assert estimate_between_pools(half)[0, 0] == 0
    assert (sample_pool_noise([build_quantity(half[0])], BUDGETS, sample_noise()) == 0).all(), "exactly 0"


def test_draws_have_that_variance_and_the_long_tails_of_few_replicates() -> None:
    point = build_points(2, replicates=9)[0]
    samples = sample_pool_noise([build_quantity(point)], BUDGETS, BootstrapNoise.sample((1,), 40_000, 9))[:, 0]
    scale = np.sqrt(estimate_between_pools(point[None])[0, 0])
    assert np.quantile(samples, 0.975) == pytest.approx(2.571 * scale, rel=0.05), "5 degrees: four pairs, two budgets"
    point[2] = 0.3
    samples = sample_pool_noise([build_quantity(point)], BUDGETS, BootstrapNoise.sample((1,), 40_000, 9))[:, 0]
    scale = np.sqrt(estimate_between_pools(point[None])[0, 0])
    assert np.quantile(samples, 0.975) == pytest.approx(2.776 * scale, rel=0.05), "4 degrees: four pairs, one budget"


def test_lever_set_stopped_early_counts_with_its_own_replicates() -> None:
    point = build_points(3, replicates=20, kinds=2)
    point[1, :, 4:] = np.nan
    samples = sample_pool_noise(
        [build_quantity(quantity_point) for quantity_point in point], BUDGETS, BootstrapNoise.sample((1,), 40_000, 20)
    )
    assert np.isfinite(samples).all()
    scale = np.sqrt(np.diag(estimate_between_pools(point)))
    tails = np.quantile(samples, 0.975, axis=0) / scale
    assert tails[1] > 1.2 * tails[0]


def test_negative_variance_estimate_gives_no_noise() -> None:
    point = build_points(4)
    point[:, -1] = point[:, 0]  # all labels vary most
    assert estimate_between_pools(point)[0, 0] < 0
    assert (sample_pool_noise([build_quantity(point[0])], BUDGETS, sample_noise()) == 0).all()
