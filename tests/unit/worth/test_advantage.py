"""The area between two curves, read from side to side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.worth.advantage import estimate_advantage
from satiety.worth.curve import Curve, fit
from tests.unit.worth.simulation import drawn

BUDGETS = (15, 30, 60, 120, 240)


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
