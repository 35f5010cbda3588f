"""What the luck of a pool may have done is told from the chains of that pool alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.worth.pool import estimate_pool_covariance, sample_pool_noise
from satiety.worth.resample import BootstrapNoise, ReplicateScores
from tests.unit.worth.simulation import effects

if TYPE_CHECKING:
    from satiety.problems.base import Floats

BUDGETS = (15, 30, 60, 120, 240)


def points(seed: int, chains: int = 20, kinds: int = 1) -> Floats:
    """Return what chains of a pool do to some quantities, shape (quantities, budgets, chains)."""
    rng = np.random.default_rng(seed)
    return effects(rng, rng.normal(size=(kinds, BUDGETS[-1])), BUDGETS, chains).transpose(0, 2, 1)


def quantity(point: Floats) -> ReplicateScores:
    """Return it as measured on a test without chance."""
    return ReplicateScores(point, np.broadcast_to(point, (500, *point.shape)))


def between(points: Floats) -> Floats:
    return estimate_pool_covariance([quantity(point) for point in points], BUDGETS)[0]


def luck(seed: int = 0, chains: int = 20) -> BootstrapNoise:
    return BootstrapNoise.sample((seed,), 500, chains)


def test_the_variance_between_pools_is_that_of_their_means() -> None:
    """400 pools of 240 labels, each of which does something of variance 1: their means vary by 1 / 240."""
    told = [between(points(seed))[0, 0] for seed in range(400)]
    assert np.mean(told) == pytest.approx(1 / 240, rel=0.05)
    true = np.var([points(seed)[0, -1, 0] for seed in range(400)])
    assert np.mean(told) == pytest.approx(true, rel=0.2)


def test_what_two_quantities_have_in_common_is_told_too() -> None:
    both = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shared, apart = rng.normal(size=(2, 240))
        pool = np.stack([shared, 0.8 * shared + 0.6 * apart])
        both.append(between(effects(rng, pool, BUDGETS, 20).transpose(0, 2, 1))[0, 1])
    assert np.mean(both) == pytest.approx(0.8 / 240, rel=0.1)


def test_noise_that_no_label_makes_is_no_luck_of_the_pool() -> None:
    """Every chain has noise of its own at every budget, as folds and dropout have."""
    told = []
    for seed in range(200):
        noise = np.random.default_rng([1, seed]).normal(size=(1, len(BUDGETS), 20)) * 0.2
        told.append(between(points(seed) + noise)[0, 0])
    assert np.mean(told) == pytest.approx(1 / 240, rel=0.2)


def test_what_the_texts_of_the_test_do_is_counted_with_them() -> None:
    """Every beginning is right on other texts of 400, though no label does anything."""
    told = []
    for seed in range(100):
        rng = np.random.default_rng([2, seed])
        right = rng.random((len(BUDGETS), 20, 400)) < 0.6
        right[-1] = right[-1, :1]
        drawn = rng.multinomial(400, np.full(400, 1 / 400), size=200) / 400
        draws = np.einsum("rt,bct->rbc", drawn, right)
        told.append(estimate_pool_covariance([ReplicateScores(right.mean(axis=2), draws)], BUDGETS)[0][0, 0])
    assert abs(np.mean(told)) < 0.1 * 0.6 * 0.4 / 400


def test_what_only_many_labels_together_do_counts_as_far_as_it_is_there() -> None:
    """A score that hangs on just which labels there are varies from beginning to beginning as from pool to pool."""
    told = []
    for seed in range(200):
        rough = np.random.default_rng(seed).normal(size=(1, len(BUDGETS), 20)) / np.sqrt(BUDGETS)[:, None]
        rough[:, -1] = rough[:, -1, :1]  # with all labels there is but one subset
        told.append(between(rough)[0, 0])
    assert np.mean(told) == pytest.approx(1 / 240, rel=0.1), "between beginnings of a pool alone it would be twice that"


def test_answers_without_training_tell_nothing_and_other_budgets_do() -> None:
    point = points(1)
    half = point.copy()
    half[:, 2] = 0.3
    assert between(half)[0, 0] > 0
    half[:, 3] = 0.3
    assert between(half)[0, 0] == 0
    assert (sample_pool_noise([quantity(half[0])], BUDGETS, luck()) == 0).all(), "0, and not nearly"


def test_draws_have_that_variance_and_the_long_tails_of_few_chains() -> None:
    point = points(2, chains=9)[0]
    drawn = sample_pool_noise([quantity(point)], BUDGETS, BootstrapNoise.sample((1,), 40_000, 9))[:, 0]
    scale = np.sqrt(between(point[None])[0, 0])
    assert np.quantile(drawn, 0.975) == pytest.approx(2.571 * scale, rel=0.05), "5 degrees: four pairs, two budgets"
    point[2] = 0.3
    drawn = sample_pool_noise([quantity(point)], BUDGETS, BootstrapNoise.sample((1,), 40_000, 9))[:, 0]
    scale = np.sqrt(between(point[None])[0, 0])
    assert np.quantile(drawn, 0.975) == pytest.approx(2.776 * scale, rel=0.05), "4 degrees: four pairs, one budget"


def test_a_lever_set_that_was_given_up_early_counts_by_the_chains_it_has() -> None:
    point = points(3, chains=20, kinds=2)
    point[1, :, 4:] = np.nan
    drawn = sample_pool_noise([quantity(one) for one in point], BUDGETS, BootstrapNoise.sample((1,), 40_000, 20))
    assert np.isfinite(drawn).all()
    scale = np.sqrt(np.diag(between(point)))
    tails = np.quantile(drawn, 0.975, axis=0) / scale
    assert tails[1] > 1.2 * tails[0]


def test_where_chance_would_make_a_variance_negative_there_is_none() -> None:
    point = points(4)
    point[:, -1] = point[:, 0]  # all labels vary most
    assert between(point)[0, 0] < 0
    assert (sample_pool_noise([quantity(point[0])], BUDGETS, luck()) == 0).all()
