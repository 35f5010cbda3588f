"""A score becomes labels, and nothing is extrapolated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.worth.curve import Curve, fit
from satiety.worth.label_count import LabelCount, estimate_advantage, estimate_labels
from satiety.worth.resample import BootstrapSamples
from tests.unit.worth.simulation import draw_samples

BUDGETS = (15, 30, 60, 120, 240)
CURVE = fit(BUDGETS, draw_samples([0.8 - 1.5 * n**-0.5 for n in BUDGETS], 0.01))


@given(st.sampled_from(BUDGETS))
def test_baseline_score_is_worth_its_budget(budget: int) -> None:
    count = estimate_labels(CURVE, CURVE.predict(budget), 0.95)
    assert count.value == pytest.approx(budget)
    assert count.low == pytest.approx(budget, rel=0.02)
    assert count.high == pytest.approx(budget, rel=0.02)


@given(st.floats(0.45, 0.7), st.floats(0, 0.1))
def test_a_higher_score_is_worth_no_fewer_labels(score: float, increase: float) -> None:
    noise = 0.01 * np.random.default_rng(3).standard_normal(401)
    noise[0] = 0
    low, high = (estimate_labels(CURVE, BootstrapSamples(score + step + noise), 0.95) for step in (0, increase))
    assert (high.value, high.low, high.high) >= (low.value, low.low, low.high)
    assert low.low <= low.value <= low.high


def test_interval_for_other_replicates_includes_the_noise_of_both() -> None:
    count = estimate_labels(CURVE, draw_samples([0.8 - 1.5 * 60**-0.5], 0.01, seed=2)[0], 0.95)
    assert count.value == pytest.approx(60, rel=0.02)
    assert 40 < count.low < 55
    assert 70 < count.high < 95


@pytest.mark.parametrize(
    ("score", "noise", "expected"),
    [
        (0.9, 0.001, LabelCount(np.inf, np.inf, np.inf)),
        (0.1, 0.001, LabelCount(0, 0, 0)),
    ],
)
def test_scores_outside_the_curve_have_no_extrapolated_labels(score: float, noise: float, expected: LabelCount) -> None:
    assert estimate_labels(CURVE, draw_samples([score], noise)[0], 0.95) == expected


def test_labels_of_a_missing_score_are_nan() -> None:
    count = estimate_labels(CURVE, BootstrapSamples(np.full(401, np.nan)), 0.95)
    assert np.isnan([count.value, count.low, count.high]).all()
    assert count.to_report() == {"value": None, "low": None, "high": None}


def test_interval_may_be_unbounded_on_both_sides() -> None:
    count = estimate_labels(CURVE, draw_samples([0.6], 0.2)[0], 0.95)
    assert (count.low, count.high) == (0, np.inf)
    assert 15 < count.value < 240


def test_report_has_null_for_an_infinite_bound() -> None:
    assert LabelCount(93.04, -0.01, np.inf).to_report() == {"value": 93.0, "low": 0.0, "high": None}
    assert str(LabelCount(-0.01, 0, 1).to_report()["value"]) == "0.0"


def build_curve(factor: float, seed: int = 1) -> Curve:
    return fit(BUDGETS, draw_samples([0.8 - 1.5 * (n * factor) ** -0.5 for n in BUDGETS], 0.002, seed))


def test_a_curve_has_no_advantage_over_itself() -> None:
    advantage = estimate_advantage(build_curve(1), build_curve(1), 0.95)
    assert (advantage.value, advantage.low, advantage.high) == pytest.approx((0, 0, 0), abs=1e-9)


@given(st.floats(1.1, 8))
def test_lever_that_multiplies_labels_has_the_advantage_of_its_factor(factor: float) -> None:
    """For a score the baseline takes n labels, the lever n / factor: it saves n (1 - 1 / factor), here on average."""
    ends = 15 * factor, 240.0
    mean = np.sqrt(ends[0] * ends[1])  # of n over scores 0.8 - 1.5 / √n, evenly
    advantage = estimate_advantage(build_curve(1), build_curve(factor, seed=2), 0.95)
    assert advantage.value == pytest.approx(mean * (1 - 1 / factor), rel=0.1)
    assert advantage.low < advantage.value < advantage.high


def test_advantage_of_a_harmful_lever_is_negative() -> None:
    assert estimate_advantage(build_curve(1), build_curve(0.5, seed=2), 0.95).high < 0


def test_advantage_of_curves_without_a_shared_score_is_infinite() -> None:
    low, high = (fit(BUDGETS, draw_samples([first + 0.001 * i for i in range(5)], 1e-4)) for first in (0.3, 0.6))
    assert estimate_advantage(low, high, 0.95).low == np.inf
    assert estimate_advantage(high, low, 0.95).high == -np.inf
    assert estimate_advantage(low, high, 0.95).to_report() == {"value": None, "low": None, "high": None}
