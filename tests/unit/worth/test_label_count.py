"""A score becomes labels, and nothing is extrapolated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.worth.curve import Curve, fit
from satiety.worth.label_count import LabelCount, estimate_advantage, estimate_labels
from satiety.worth.resample import BootstrapSamples
from tests.unit.worth.simulation import drawn

BUDGETS = (15, 30, 60, 120, 240)
CURVE = fit(BUDGETS, drawn([0.8 - 1.5 * n**-0.5 for n in BUDGETS], 0.01))


@given(st.sampled_from(BUDGETS))
def test_plains_own_score_is_worth_its_budget(budget: int) -> None:
    found = estimate_labels(CURVE, CURVE.predict(budget), 0.95)
    assert found.value == pytest.approx(budget)
    assert found.low == pytest.approx(budget, rel=0.02)
    assert found.high == pytest.approx(budget, rel=0.02)


@given(st.floats(0.45, 0.7), st.floats(0, 0.1))
def test_a_higher_score_is_worth_no_fewer_labels(score: float, more: float) -> None:
    noise = 0.01 * np.random.default_rng(3).standard_normal(401)
    noise[0] = 0
    low, high = (estimate_labels(CURVE, BootstrapSamples(score + step + noise), 0.95) for step in (0, more))
    assert (high.value, high.low, high.high) >= (low.value, low.low, low.high)
    assert low.low <= low.value <= low.high


def test_a_lever_on_other_chains_has_the_luck_of_both() -> None:
    found = estimate_labels(CURVE, drawn([0.8 - 1.5 * 60**-0.5], 0.01, seed=2)[0], 0.95)
    assert found.value == pytest.approx(60, rel=0.02)
    assert 40 < found.low < 55
    assert 70 < found.high < 95


@pytest.mark.parametrize(
    ("score", "noise", "expected"),
    [
        (0.9, 0.001, LabelCount(np.inf, np.inf, np.inf)),
        (0.1, 0.001, LabelCount(0, 0, 0)),
    ],
)
def test_outside_what_was_measured_nothing_is_said(score: float, noise: float, expected: LabelCount) -> None:
    assert estimate_labels(CURVE, drawn([score], noise)[0], 0.95) == expected


def test_a_score_that_was_not_measured_is_worth_nobody_knows_what() -> None:
    found = estimate_labels(CURVE, BootstrapSamples(np.full(401, np.nan)), 0.95)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.to_report() == {"value": None, "low": None, "high": None}


def test_an_interval_may_have_no_end_on_either_side() -> None:
    found = estimate_labels(CURVE, drawn([0.6], 0.2)[0], 0.95)
    assert (found.low, found.high) == (0, np.inf)
    assert 15 < found.value < 240


def test_a_report_has_null_for_what_has_no_end() -> None:
    assert LabelCount(93.04, -0.01, np.inf).to_report() == {"value": 93.0, "low": 0.0, "high": None}
    assert str(LabelCount(-0.01, 0, 1).to_report()["value"]) == "0.0"


def line(factor: float, seed: int = 1) -> Curve:
    return fit(BUDGETS, drawn([0.8 - 1.5 * (n * factor) ** -0.5 for n in BUDGETS], 0.002, seed))


def test_a_curve_has_no_advantage_over_itself() -> None:
    found = estimate_advantage(line(1), line(1), 0.95)
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-9)


@given(st.floats(1.1, 8))
def test_a_multiplier_of_labels_saves_its_share_of_them(factor: float) -> None:
    """At score s plain takes n labels, the lever n / factor: the mean of n (1 - 1 / factor) over the shared scores."""
    ends = 15 * factor, 240.0
    mean = np.sqrt(ends[0] * ends[1])  # of n over scores 0.8 - 1.5 / √n, evenly
    found = estimate_advantage(line(1), line(factor, seed=2), 0.95)
    assert found.value == pytest.approx(mean * (1 - 1 / factor), rel=0.1)
    assert found.low < found.value < found.high


def test_what_costs_labels_is_negative() -> None:
    assert estimate_advantage(line(1), line(0.5, seed=2), 0.95).high < 0


def test_curves_that_share_no_score_are_endlessly_apart() -> None:
    low, high = (fit(BUDGETS, drawn([first + 0.001 * i for i in range(5)], 1e-4)) for first in (0.3, 0.6))
    assert estimate_advantage(low, high, 0.95).low == np.inf
    assert estimate_advantage(high, low, 0.95).high == -np.inf
    assert estimate_advantage(low, high, 0.95).to_report() == {"value": None, "low": None, "high": None}
