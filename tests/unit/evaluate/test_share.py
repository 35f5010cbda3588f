"""The interval of a share is Wilson's closed form."""

import math
from statistics import NormalDist

import pytest

from satiety.evaluate.share import estimate_wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (5, 10), (10, 10), (1, 1), (37, 800)])
def test_wilson_s_interval_is_the_closed_form(hits: int, trials: int) -> None:
    z, share = NormalDist().inv_cdf(0.975), hits / trials
    center, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    half = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    interval = estimate_wilson_interval(hits, trials, 0.95)
    expected = [share, (center - half) / scale, (center + half) / scale]
    assert [interval.value, interval.low, interval.high] == pytest.approx(expected, rel=0, abs=1e-12)
