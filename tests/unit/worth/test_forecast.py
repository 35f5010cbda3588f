"""A target becomes labels, and backtests compare past forecasts with measured scores."""

from __future__ import annotations

import numpy as np
import pytest

from satiety.worth.curve import fit
from satiety.worth.forecast import Backtest, backtest, forecast
from tests.unit.worth.simulation import draw_samples

BUDGETS = (0, 15, 30, 60, 120, 240)
LAW = [0.2, *(0.8 - 1.5 * n**-0.5 for n in BUDGETS[1:])]
CURVE = fit(BUDGETS, draw_samples(LAW, 0.003))


@pytest.mark.parametrize("labels", [20, 100, 480, 960])
def test_a_target_on_the_curve_takes_its_labels(labels: int) -> None:
    estimate = forecast(CURVE, 0.8 - 1.5 * labels**-0.5, 0.95)
    assert estimate.is_reachable
    assert estimate.labels.value == pytest.approx(labels, rel=0.1)
    assert estimate.labels.low < labels < estimate.labels.high


def test_a_target_above_the_asymptote_is_out_of_reach() -> None:
    estimate = forecast(CURVE, 0.95, 0.95)
    assert not estimate.is_reachable
    assert np.isinf(estimate.labels.value)
    assert estimate.labels.to_report()["high"] is None


def test_a_target_below_the_smallest_budget_takes_fewer_than_that() -> None:
    assert forecast(CURVE, 0.3, 0.95).labels.value == 0


def test_a_backtest_makes_every_forecast_that_could_have_been_made() -> None:
    checked = backtest(BUDGETS, draw_samples(LAW, 0.003), 0.95)
    assert [(check.max_fitted, check.budget) for check in checked.forecasts] == [(60, 120), (60, 240), (120, 240)]
    assert all(check.score.low < check.measured < check.score.high for check in checked.forecasts)
    assert (checked.num_covered, checked.share) == (3, 1.0)


def test_backtest_misses_a_curve_that_breaks_off() -> None:
    checked = backtest(BUDGETS, draw_samples([*LAW[:4], 0.45, 0.45], 0.003), 0.95)
    assert checked.num_covered == 0
    assert all(check.measured < check.score.low for check in checked.forecasts[:2])


def test_three_budgets_are_too_few_for_a_backtest() -> None:
    assert backtest(BUDGETS[:4], draw_samples(LAW[:4], 0.003), 0.95) == Backtest(())
    assert Backtest(()).share is None
