"""A power law is recovered where there is one, and rejected where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.worth.powerlaw import fit, measure_misfit

LABELS = np.array([15.0, 30, 60, 120, 240])
ONES = np.ones(5)


@given(st.floats(0.5, 1), st.floats(0.1, 1.5), st.floats(0, 0.4))
def test_fit_recovers_a_power_law(asymptote: float, exponent: float, drop: float) -> None:
    scores = asymptote - drop * (LABELS / 15) ** -exponent
    law = fit(LABELS, scores[None], ONES)
    np.testing.assert_allclose(law.predict(LABELS)[0], scores, atol=2e-3)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_fit_stays_in_bounds_and_never_falls(scores: list[float]) -> None:
    law = fit(LABELS, np.array([scores]), ONES)
    assert law.scale[0] >= 0
    assert law.asymptote[0] <= 1
    assert (np.diff(law.predict(LABELS)[0]) >= -1e-12).all()


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_fit_has_the_least_squared_error(scores: list[float]) -> None:
    rng = np.random.default_rng(1)
    weights = np.array([1.0, 2, 3, 2, 1])

    def measure_error(line: np.ndarray) -> float:
        return float(((line - scores) ** 2) @ weights)

    law = fit(LABELS, np.array([scores]), weights)
    least_error = measure_error(law.predict(LABELS)[0])
    for asymptote, scale in zip(rng.uniform(0, 1, 50), rng.uniform(0, 2, 50), strict=True):
        assert measure_error(asymptote - scale * LABELS ** -law.exponent[0]) >= least_error - 1e-9


def test_low_weight_lets_a_budget_be_missed() -> None:
    scores = np.array([[0.1, 0.5, 0.6, 0.67, 0.72]])
    law = fit(LABELS, scores, np.array([1e-6, 1, 1, 1, 1]))
    assert np.abs(law.predict(LABELS)[0, 1:] - scores[0, 1:]).max() < 0.005


def test_each_row_has_its_own_fit() -> None:
    rows = np.stack([0.8 - 1.2 / LABELS**0.5, 0.6 - 0.9 / LABELS**0.4])
    together = fit(LABELS, rows, ONES)
    for i, row in enumerate(rows):
        assert fit(LABELS, row[None], ONES).predict(LABELS)[0] == pytest.approx(together.predict(LABELS)[i])


def test_residuals_within_noise_are_no_misfit_and_larger_ones_are() -> None:
    rng = np.random.default_rng(4)
    noise = 0.01 * rng.standard_normal((500, 5)) @ np.diag([1, 1, 0, 0, 0.0])
    small, large = np.array([0.008, -0.006, 0, 0, 0]), np.array([0.08, -0.06, 0, 0, 0])
    ratio, rejected = measure_misfit(np.vstack([small, small + noise]), 2)
    assert ratio == pytest.approx(1 / np.sqrt(2), rel=0.1)
    assert not rejected
    ratio, rejected = measure_misfit(np.vstack([large, large + noise]), 2)
    assert ratio == pytest.approx(10 / np.sqrt(2), rel=0.1)
    assert rejected


def test_scores_without_any_noise_reject_nothing() -> None:
    assert measure_misfit(np.zeros((100, 5)), 2) == (0.0, False)
