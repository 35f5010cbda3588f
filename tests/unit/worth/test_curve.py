"""A curve never falls, goes through rising scores, and beyond them follows its power law as far as that fits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import DataError
from satiety.worth import powerlaw
from satiety.worth.curve import _interpolate, _weigh, fit
from satiety.worth.resample import BootstrapSamples
from tests.unit.worth.simulation import draw_samples

BUDGETS = (15, 30, 60, 120, 240)
LAW = [0.8 - 1.5 * n**-0.5 for n in BUDGETS]
STEPS = [0.3, 0.32, 0.4, 0.75, 0.76]
scores = st.lists(st.floats(0, 1), min_size=5, max_size=5)


@given(scores, st.floats(0, 0.1))
def test_no_curve_ever_falls(point: list[float], noise: float) -> None:
    curve = fit(BUDGETS, draw_samples(point, noise, resamples=20))
    assert (np.diff(curve.labels) > 0).all()
    assert (np.diff(curve.scores.rows, axis=1) >= 0).all()
    assert (curve.asymptote.rows >= curve.scores.rows[:, -1]).all()


@given(scores)
def test_curve_goes_through_rising_scores(point: list[float]) -> None:
    smooth = np.array(LAW) + 0.01 * np.sort(point)
    curve = fit(BUDGETS, draw_samples(list(smooth), 0.005))
    fitted_scores = [float(curve.predict(n).point) for n in BUDGETS]
    np.testing.assert_allclose(fitted_scores, smooth, atol=1e-3)


@given(scores, st.floats(15, 240))
def test_inverting_a_predicted_score_gives_its_labels(point: list[float], labels: float) -> None:
    curve = fit(BUDGETS, draw_samples(list(np.array(LAW) + 0.01 * np.sort(point)), 0.01))
    baseline_score = curve.predict(labels)
    inverted = curve.invert(baseline_score)
    rows = np.arange(len(baseline_score.rows))
    place = np.searchsorted(curve.labels, labels)
    rises = curve.scores.rows[rows, place] > curve.scores.rows[rows, max(place - 1, 0)]
    np.testing.assert_allclose(inverted.rows[rises], labels, rtol=1e-6)
    assert (inverted.rows <= labels + 1e-6).all()


def test_labels_for_a_score_outside_the_curve_are_zero_or_infinite() -> None:
    curve = fit(BUDGETS, draw_samples(LAW, 0.001))
    low, high = (curve.invert(BootstrapSamples(np.full(401, score))) for score in (0.1, 0.99))
    assert low.point == 0
    assert np.isinf(high.point)
    assert (curve.smallest, curve.largest) == (15, 240)
    np.testing.assert_array_equal(curve.predict(1).rows, curve.predict(15).rows)


def test_budgets_of_zero_or_without_a_score_are_ignored() -> None:
    whole = draw_samples([0.9, *LAW[:2], np.nan, *LAW[2:]], 0.01)
    first, second = fit((0, 15, 30, 45, 60, 120, 240), whole), fit(BUDGETS, whole[[1, 2, 4, 5, 6]])
    np.testing.assert_array_equal(first.scores.rows, second.scores.rows)


def test_power_law_is_extrapolated() -> None:
    curve = fit(BUDGETS, draw_samples(LAW, 0.002))
    assert float(curve.predict(960).point) == pytest.approx(0.8 - 1.5 * 960**-0.5, abs=0.003)
    assert float(curve.asymptote.point) == pytest.approx(0.8, abs=0.01)
    assert curve.exponent == pytest.approx(0.5, abs=0.05)
    assert (curve.fit_start, curve.spread_factor) == (15, 1)


def test_misfit_drops_first_budgets_and_widens_the_draws() -> None:
    curve = fit(BUDGETS, draw_samples(STEPS, 0.002))
    assert curve.fit_start > 15
    assert curve.spread_factor > 5
    measured, extrapolated = (curve.predict(n).interval(0.95) for n in (240, 480))
    assert extrapolated.high - extrapolated.low > 5 * (measured.high - measured.low)
    assert float(curve.predict(60).point) == pytest.approx(0.4, abs=1e-3)


def test_residuals_follow_the_natural_cubic_spline_of_de_boor() -> None:
    """Against the tridiagonal system of its second derivatives, which are 0 at both ends."""
    labels, points = np.array([15.0, 30, 45, 120, 240]), np.geomspace(15, 240, 50)
    rows = np.array([[0.5, 0.52, 0.57, 0.6, 0.7], [0.5, 0.6, 0.61, 0.63, 0.7], [0.2, 0.4, 0.5, 0.7, 0.8]])
    law = powerlaw.fit(labels, rows, _weigh(rows))
    knots, x, values = np.log(labels), np.log(points), (rows - law.predict(labels)).T
    gap = np.diff(knots)
    slopes = np.diff(values, axis=0) / gap[:, None]
    bends = np.zeros_like(values)
    inner = np.diag(2 * (gap[:-1] + gap[1:])) + np.diag(gap[1:-1], 1) + np.diag(gap[1:-1], -1)
    bends[1:-1] = np.linalg.solve(inner, 6 * np.diff(slopes, axis=0))
    i = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(gap) - 1)
    step, width = (x - knots[i])[:, None], gap[i][:, None]
    linear = slopes[i] - width / 6 * (2 * bends[i] + bends[i + 1])
    spline = values[i] + step * (linear + step * (bends[i] / 2 + step * (bends[i + 1] - bends[i]) / (6 * width)))
    expected = np.sort(law.predict(points) + spline.T, axis=1)
    np.testing.assert_allclose(_interpolate(labels, rows, points), expected, rtol=0, atol=1e-12)


def test_no_score_is_forecast_above_one() -> None:
    curve = fit(BUDGETS, draw_samples([0.2, 0.4, 0.6, 0.8, 0.99], 0.001))
    assert curve.scores.rows.max() <= 1
    assert curve.asymptote.rows.max() <= 1


def test_fewer_than_three_budgets_are_refused() -> None:
    with pytest.raises(DataError, match="needs scores at 3 budgets above 0, but there are 2; raise"):
        fit((0, 15, 30), draw_samples([0.1, 0.2, 0.3], 0.01))


def test_a_thousand_draws_take_less_than_half_a_second() -> None:
    many = draw_samples(LAW, 0.01, resamples=1000)
    began = time.process_time()
    fit(BUDGETS, many)
    assert time.process_time() - began < 0.5
