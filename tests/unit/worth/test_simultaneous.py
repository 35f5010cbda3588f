"""Intervals that hold all at once hold all at once, and cost little where quantities go together."""

from __future__ import annotations

import numpy as np
import pytest

from satiety.worth.resample import BootstrapSamples
from satiety.worth.simultaneous import SimultaneousBand


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
