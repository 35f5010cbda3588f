"""A hopeless lever is stopped early, a good one never, and a verdict follows from the interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval, Resampling
from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import BASELINE, Key, Scores, resample_scores
from satiety.worth.verdicts import Futility, SimultaneousBand, classify_gain, find_stop
from tests.additive import additive

if TYPE_CHECKING:
    from satiety.problems.base import Floats

RULE = Futility(alpha=0.05, min_effect=0.01, first_comparison=3, replicates=8)


def build_scores(gain: float, replicates: int, noise: float = 0.004) -> Scores:
    """Return scores of the baseline and a lever on 1,000 texts; more replicates do not change the first ones."""
    texts = np.linspace(0, 1, 1000)

    def build_tallies(score: float) -> Floats:
        return np.stack([texts < score, np.ones(1000)], axis=1).astype(float)

    baseline_runs: dict[Key, Floats] = {}
    lever_runs: dict[Key, Floats] = {}
    for replicate in range(replicates):
        rng = np.random.default_rng([1, replicate])
        for n in (15, 30, 60):
            base = 0.5 + n / 300 + 0.05 * rng.standard_normal()
            baseline_runs[n, BASELINE, replicate] = build_tallies(base)
            lever_runs[n, ("a",), replicate] = build_tallies(base + gain + noise * rng.standard_normal())
    resampling, runs = Resampling(1, 1000, 0.95), (baseline_runs | lever_runs).items()
    score = additive(lambda sums: {"score": sums[..., 0] / sums[..., 1]})
    return resample_scores(score, "score", runs, baseline_runs.items(), np.arange(1000), resampling)


def test_comparisons_share_alpha_and_exclude_the_last_replicate() -> None:
    assert list(RULE.comparisons) == [3, 4, 5, 6, 7]
    assert RULE.confidence_level == pytest.approx(0.99)
    assert list(Futility(0.05, 0.01, first_comparison=3, replicates=3).comparisons) == []


def test_harmful_lever_is_stopped_at_the_first_comparison() -> None:
    assert find_stop(build_scores(-0.1, 2), ("a",), RULE) is None
    assert find_stop(build_scores(-0.1, 3), ("a",), RULE) == 3
    assert find_stop(build_scores(-0.1, 8), ("a",), RULE) == 3


def test_stop_does_not_change_with_more_replicates() -> None:
    stop = find_stop(build_scores(-0.018, 8, noise=0.015), ("a",), RULE)
    assert stop is not None
    assert stop > 3
    stops = [find_stop(build_scores(-0.018, replicates, noise=0.015), ("a",), RULE) for replicates in range(3, 9)]
    assert stops == [None if replicates < stop else stop for replicates in range(3, 9)]


def test_good_and_uncertain_levers_continue() -> None:
    assert find_stop(build_scores(0.05, 8), ("a",), RULE) is None
    assert find_stop(build_scores(0.0, 4, noise=0.1), ("a",), RULE) is None


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (Interval(-0.03, -0.05, -0.01), "harmful"),
        (Interval(0.002, -0.004, 0.008), "not worth it here"),
        (Interval(0.005, 0.002, 0.008), "not worth it here"),
        (Interval(0.03, 0.01, 0.05), "worth it"),
        (Interval(0.03, -0.01, 0.05), "inconclusive"),
        (Interval(0.009, 0.001, 0.02), "inconclusive"),
        (Interval(0.0, -0.02, 0.02), "inconclusive"),
    ],
)
def test_verdict_of_a_gain(gain: Interval, expected: str) -> None:
    assert classify_gain(gain, min_effect=0.01) == expected


def draw_quantities(
    shared: float, count: int, seed: int, resamples: int = 1000, scale: float = 1.0
) -> list[BootstrapSamples]:
    """Return quantities that are 0 in truth, measured once, and draws of their error, which share a part."""
    rng = np.random.default_rng(seed)

    def draw_errors(rows: int) -> np.ndarray:
        common = rng.normal(size=(rows, 1))
        return scale * (np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=(rows, count)))

    point = draw_errors(1)[0]
    draws = point + draw_errors(resamples)
    return [BootstrapSamples.from_draws(point[i], draws[:, i]) for i in range(count)]


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_simultaneous_intervals_hold_as_often_as_stated(shared: float) -> None:
    """600 times 35 quantities: at a true .95 the share found lies above .925 with probability .997."""
    all_hold = []
    for seed in range(600):
        quantities = draw_quantities(shared, 35, seed)
        band = SimultaneousBand.fit(quantities, 0.95)
        all_hold.append(all(interval.low <= 0 <= interval.high for interval in map(band.interval, quantities)))
    assert 0.925 < np.mean(all_hold) < 0.975


def test_correlated_quantities_need_a_narrower_band() -> None:
    assert (
        SimultaneousBand.fit(draw_quantities(0.0, 35, 1), 0.95).reach
        > SimultaneousBand.fit(draw_quantities(0.95, 35, 1), 0.95).reach
        > 1.9
    )
    assert SimultaneousBand.fit(draw_quantities(0.0, 1, 1), 0.95).reach == pytest.approx(1.96, rel=0.1)


def test_each_interval_has_a_higher_level_and_the_same_reach_as_the_band() -> None:
    quantities = [*draw_quantities(0.0, 10, 2), *draw_quantities(0.0, 10, 3, scale=5.0)]
    band = SimultaneousBand.fit(quantities, 0.95)
    assert all(0.98 < band.estimate_coverage(quantity) <= 1 for quantity in quantities)
    widths = [
        (interval.high - interval.low) / quantity.spread
        for quantity in quantities
        for interval in [band.interval(quantity)]
    ]
    assert widths == pytest.approx([2 * band.reach] * 20)


def test_constant_quantities_do_not_widen_the_band() -> None:
    constant, quantities = BootstrapSamples(np.zeros(1001)), draw_quantities(0.0, 5, 4)
    assert SimultaneousBand.fit([*quantities, constant], 0.95) == SimultaneousBand.fit(quantities, 0.95)
    assert SimultaneousBand.fit([constant], 0.95).reach == 0
