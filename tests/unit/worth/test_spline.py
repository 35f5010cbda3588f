"""The spline goes through its knots, is straight where they are, and agrees with SciPy's where that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from satiety.worth.spline import build_spline_matrix

KNOTS = np.log([15.0, 30, 45, 120, 240])
AT = np.linspace(KNOTS[0], KNOTS[-1], 50)


def test_it_goes_through_its_knots() -> None:
    np.testing.assert_allclose(build_spline_matrix(KNOTS, KNOTS), np.eye(5), atol=1e-12)


def test_it_is_straight_where_the_knots_are() -> None:
    np.testing.assert_allclose(build_spline_matrix(KNOTS, AT) @ (2 + 3 * KNOTS), 2 + 3 * AT)


def test_three_knots_are_enough() -> None:
    found = build_spline_matrix(np.array([0.0, 1, 2]), np.array([0.5])) @ np.array([0.0, 1, 0])
    assert found[0] == pytest.approx(0.6875)  # -x³/2 + 3x/2 on the first half


def test_it_is_scipys() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    values = np.array([0.1, 0.5, 0.4, 0.7, 0.9])
    np.testing.assert_allclose(
        build_spline_matrix(KNOTS, AT) @ values, interpolate.CubicSpline(KNOTS, values, bc_type="natural")(AT)
    )
