"""Tails equal those of scipy's distributions, and are heavier where the past was."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom, binom, nbinom, norm, poisson

from examples.opinion_monitoring.stream.baseline import Expected
from examples.opinion_monitoring.stream.season import fit_week
from examples.opinion_monitoring.stream.share import Shares, TopicCounts
from examples.opinion_monitoring.stream.tail import ONSET, chance, find_limit, heaviness, negative_binomial_chance

EVERY = np.full(2, True)


def build_counts(negative: NDArray[np.float64], texts: int) -> TopicCounts:
    """Return counts of answers of two topics."""
    return TopicCounts(negative, np.full(2, float(texts)), np.zeros(2))


def build_expected(mean: float, dispersion: float, heavy: float = 1.0) -> Expected:
    return Expected(*(np.array([parameter]) for parameter in (mean, dispersion, heavy)))


@pytest.mark.parametrize("mean", [0.01, 0.7, 8.0, 900.0])
@pytest.mark.parametrize("dispersion", [0.0, 0.05, 2.0])
def test_chances_are_those_of_poisson_and_of_the_negative_binomial(mean: float, dispersion: float) -> None:
    counts = np.unique(np.round(mean * np.array([0.0, 0.5, 1, 2, 4]) + np.array([0, 0, 1, 3, 5])))
    true = (
        nbinom.sf(counts - 1, 1 / dispersion, 1 / (1 + dispersion * mean))
        if dispersion
        else poisson.sf(counts - 1, mean)
    )
    assert negative_binomial_chance(counts, np.array(mean), np.array(dispersion)) == pytest.approx(
        true, rel=0.02, abs=1e-12
    )


@pytest.mark.parametrize("heavy", [1.0, 1.5, 4.9])
@pytest.mark.parametrize("mean", [0.01, 0.3, 12.0, 400.0])
def test_the_limit_is_where_the_alarm_begins_however_heavy_the_tail(mean: float, heavy: float) -> None:
    likely, rate = build_expected(mean, 0.1, heavy), 1e-4
    limit = find_limit(likely, rate)
    assert chance(limit * 1.0001, likely)[0] < rate < chance(limit * 0.9999, likely)[0]


def test_heaviness_is_the_exponent_of_chances_that_come_too_often() -> None:
    draw = np.random.default_rng(1).random((40_000, 2))
    draw[:, 1] = np.where(draw[:, 1] < ONSET, ONSET * (draw[:, 1] / ONSET) ** 1.6, draw[:, 1])
    assert heaviness(draw, 0.001, 10) == pytest.approx([1.0, 1.6], rel=0.06)


def test_surges_of_the_past_do_not_make_the_tail_heavier() -> None:
    draw = np.random.default_rng(1).random((2_000, 1))
    surging = np.concatenate([draw, np.full((200, 1), 1e-9)])
    assert heaviness(surging, 0.001, 10)[0] == heaviness(draw, 0.001, 10)[0]


def test_a_sum_of_probabilities_lies_between_whole_counts_and_a_small_one_is_not_rare() -> None:
    """One text an hour with a low probability of being negative is the usual case."""
    counts = np.array([0, 0.02, 0.5, 1, 1.5, 2])
    chances = negative_binomial_chance(counts, np.array(0.02), np.array(0.1))
    assert np.all(np.diff(chances) < 0)
    assert chances[1] > 0.8
    assert chances[3] == pytest.approx(0.02, rel=0.05)


def test_week_is_fitted_from_counts() -> None:
    day, hour = np.array([1, 1, 1, 1, 1.5, 0.5, 0.5]), np.linspace(0.5, 2, 24)
    true = 30 * day[:, None] * hour
    counts = np.random.default_rng(1).poisson(true * np.array([0.8, 1.2, 1, 1])[:, None, None])[..., None].astype(float)
    week = fit_week(counts, np.ones((4, 7, 24), dtype=bool), strength=10)[..., 0]
    assert np.abs(week / true - 1).mean() < 0.09
    assert week.mean() == pytest.approx(true.mean(), rel=0.02)


def test_week_from_few_texts_is_flat() -> None:
    counts, is_observed = np.zeros((2, 7, 24, 1)), np.zeros((2, 7, 24), dtype=bool)
    is_observed[0, 0, :3], counts[0, 0, 1] = True, 1
    week = fit_week(counts, is_observed, strength=10)
    assert week == pytest.approx(np.full_like(week, 1 / 3), rel=0.15)


def test_shares_are_binomial_where_they_vary_by_chance_and_beta_binomial_where_they_vary_by_more() -> None:
    draw = np.random.default_rng(1)
    shares = Shares(2, memory=1e6, strength=1)
    true_shares = draw.beta(4, 12, 3_000)  # mean .25, intra-class correlation 1 / 17
    for true_share in true_shares:
        negative = np.array([draw.binomial(40, 0.25), draw.binomial(40, true_share)], dtype=float)
        shares.learn(build_counts(negative, 40), EVERY, EVERY)
    assert shares.usual == pytest.approx([0.25, 0.25], abs=0.01)
    binomial, beta_binomial = shares.chance(np.full(2, 19.0), np.full(2, 40.0), shares.usual, np.full(2, 0.1))
    assert binomial == pytest.approx(binom.sf(18, 40, 0.25), rel=0.3)
    assert beta_binomial == pytest.approx(betabinom.sf(18, 40, 4, 12), rel=0.6)


def test_excluded_topic_is_not_learned_from() -> None:
    shares = Shares(2, memory=10, strength=10)
    shares.learn(build_counts(np.full(2, 90.0), 100), np.array([True, False]), EVERY)
    assert shares.usual[0] > 0.8
    assert shares.usual[1] == 0.5


def test_probabilities_vary_less_than_answers_and_their_share_is_known_better() -> None:
    """Where all texts have similar probabilities, a small change of their mean is sure; one of answers is not."""
    draw = np.random.default_rng(1)
    shares = Shares(2, memory=1e6, strength=1)
    for _ in range(3_000):
        p = draw.beta(6, 18, 40)  # mean .25, standard deviation .087
        answers = draw.random(40) < p
        sums = ([p.sum(), answers.sum()], [(p * (1 - p)).sum(), 0])
        shares.learn(
            TopicCounts(np.array(sums[0], dtype=float), np.full(2, 40.0), np.array(sums[1], dtype=float)), EVERY, EVERY
        )
    assert shares.usual == pytest.approx([0.25, 0.25], abs=0.01)
    probability_chance, answer_chance = shares.chance(
        np.full(2, 0.28 * 40), np.full(2, 40.0), shares.usual, np.full(2, 0.01)
    )
    assert probability_chance == pytest.approx(norm.sf(0.03 / (0.087 / 40**0.5)), rel=0.6)
    assert answer_chance > 0.2


def test_window_of_unusually_varied_texts_counts_as_fewer_texts() -> None:
    shares = Shares(1, memory=1e6, strength=1)
    for _ in range(100):
        shares.learn(TopicCounts(np.array([10.0]), np.array([40.0]), np.array([7.4])), EVERY[:1], EVERY[:1])
    alike, unlike = (
        shares.chance(np.array([14.0]), np.array([40.0]), shares.usual, np.array([hardness]))
        for hardness in (0.01, 1.0)
    )
    assert alike < 0.001
    assert unlike == pytest.approx(binom.sf(13, 40, 0.25), rel=0.2)


def test_hardness_is_1_of_answers_and_the_share_of_their_variance_of_probabilities() -> None:
    p = np.random.default_rng(2).beta(2, 5, 500)
    counts = TopicCounts(
        np.array([p.sum(), 30.0, 0.0]), np.array([500.0, 40.0, 0.0]), np.array([(p * (1 - p)).sum(), 0.0, 0.0])
    )
    assert counts.hardness == pytest.approx([p.var() / (p.mean() * (1 - p.mean())), 1, 1], rel=1e-6)
