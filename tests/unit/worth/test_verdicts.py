"""A hopeless lever is stopped early, a good one never, and a verdict says what the interval says."""

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


def scores(gain: float, chains: int, noise: float = 0.004) -> Scores:
    """Return plain and a lever on 1,000 texts; a further chain changes nothing in those before it."""
    texts = np.linspace(0, 1, 1000)

    def tallies(score: float) -> Floats:
        return np.stack([texts < score, np.ones(1000)], axis=1).astype(float)

    plain: dict[Key, Floats] = {}
    lever: dict[Key, Floats] = {}
    for chain in range(chains):
        rng = np.random.default_rng([1, chain])
        for n in (15, 30, 60):
            base = 0.5 + n / 300 + 0.05 * rng.standard_normal()
            plain[n, BASELINE, chain] = tallies(base)
            lever[n, ("a",), chain] = tallies(base + gain + noise * rng.standard_normal())
    how, cells = Resampling(1, 1000, 0.95), (plain | lever).items()
    score = additive(lambda sums: {"score": sums[..., 0] / sums[..., 1]})
    return resample_scores(score, "score", cells, plain.items(), np.arange(1000), how)


def test_the_last_chain_is_no_look_and_alpha_is_shared_by_the_looks() -> None:
    assert list(RULE.comparisons) == [3, 4, 5, 6, 7]
    assert RULE.confidence_level == pytest.approx(0.99)
    assert list(Futility(0.05, 0.01, first_comparison=3, replicates=3).comparisons) == []


def test_a_harmful_lever_is_stopped_as_soon_as_somebody_looks() -> None:
    assert find_stop(scores(-0.1, 2), ("a",), RULE) is None
    assert find_stop(scores(-0.1, 3), ("a",), RULE) == 3
    assert find_stop(scores(-0.1, 8), ("a",), RULE) == 3


def test_the_answer_never_changes_with_more_chains() -> None:
    after = find_stop(scores(-0.018, 8, noise=0.015), ("a",), RULE)
    assert after is not None
    assert after > 3
    found = [find_stop(scores(-0.018, chains, noise=0.015), ("a",), RULE) for chains in range(3, 9)]
    assert found == [None if chains < after else after for chains in range(3, 9)]


def test_a_good_lever_and_one_of_which_little_is_known_go_on() -> None:
    assert find_stop(scores(0.05, 8), ("a",), RULE) is None
    assert find_stop(scores(0.0, 4, noise=0.1), ("a",), RULE) is None


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
def test_verdicts(gain: Interval, expected: str) -> None:
    assert classify_gain(gain, min_effect=0.01) == expected


def drawn(shared: float, count: int, seed: int, resamples: int = 1000, scale: float = 1.0) -> list[BootstrapSamples]:
    """Return quantities that are 0 in truth, measured once, and draws of their error, which share a part."""
    rng = np.random.default_rng(seed)

    def error(rows: int) -> np.ndarray:
        common = rng.normal(size=(rows, 1))
        return scale * (np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=(rows, count)))

    point = error(1)[0]
    draws = point + error(resamples)
    return [BootstrapSamples.from_draws(point[i], draws[:, i]) for i in range(count)]


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_they_hold_together_as_often_as_they_say(shared: float) -> None:
    """600 times 35 quantities: at a true .95 the share found lies above .925 with probability .997."""
    held = []
    for seed in range(600):
        quantities = drawn(shared, 35, seed)
        sure = SimultaneousBand.fit(quantities, 0.95)
        held.append(all(one.low <= 0 <= one.high for one in map(sure.interval, quantities)))
    assert 0.925 < np.mean(held) < 0.975


def test_what_goes_together_costs_little() -> None:
    assert (
        SimultaneousBand.fit(drawn(0.0, 35, 1), 0.95).reach > SimultaneousBand.fit(drawn(0.95, 35, 1), 0.95).reach > 1.9
    )
    assert SimultaneousBand.fit(drawn(0.0, 1, 1), 0.95).reach == pytest.approx(1.96, rel=0.1)


def test_the_level_of_one_is_above_that_of_all_and_its_interval_reaches_alike() -> None:
    quantities = [*drawn(0.0, 10, 2), *drawn(0.0, 10, 3, scale=5.0)]
    sure = SimultaneousBand.fit(quantities, 0.95)
    assert all(0.98 < sure.estimate_coverage(one) <= 1 for one in quantities)
    widths = [(interval.high - interval.low) / one.spread for one in quantities for interval in [sure.interval(one)]]
    assert widths == pytest.approx([2 * sure.reach] * 20)


def test_what_never_varies_costs_nothing() -> None:
    never, quantities = BootstrapSamples(np.zeros(1001)), drawn(0.0, 5, 4)
    assert SimultaneousBand.fit([*quantities, never], 0.95) == SimultaneousBand.fit(quantities, 0.95)
    assert SimultaneousBand.fit([never], 0.95).reach == 0
