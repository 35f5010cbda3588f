"""Intervals hold the truth about as often as they say, in studies whose truth is known.

Share of intervals, level .95, that held the truth in 1,000 simulated studies each: of a gain; of the curve at measured
budgets; of the labels the baseline needs for a lever's score, where the truth lies in the measured range; of the
average data advantage; of the labels for a target that takes 2 to 4 times the largest budget; of a score forecast by a
backtest.

==================  ==========  ======  =====  ===========  =========  ========  ========
curve               replicates  gain    curve  equivalence  advantage  forecast  backtest
==================  ==========  ======  =====  ===========  =========  ========  ========
power law           10 / 20     .952    .944   .959         .938       .957      .948
power law           5 / 10      .967    .950   .976         .964       .955      .953
exponential in n    10 / 20     .947    .951   .958         .929       .961      .450
logistic in log n   10 / 20     .952    .945   .955         .932       .982      .436
==================  ==========  ======  =====  ===========  =========  ========  ========

On curves that are no power law a backtest fails, for three budgets cannot show the shape: so it warns, as it should.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.worth import curve as curves
from satiety.worth.decision import decide, list_effective_sets
from satiety.worth.forecast import backtest, forecast
from satiety.worth.label_count import LabelCount, estimate_advantage, estimate_labels
from satiety.worth.resample import BootstrapSamples
from satiety.worth.scores import Scores, compute_gain
from satiety.worth.study import FIRST_COMPARISON
from satiety.worth.verdicts import Futility, classify_gain, find_stop
from tests.unit.worth.simulation import (
    LEVER,
    Design,
    World,
    exponential,
    idle_study,
    logistic,
    power_law,
    simulate_scores,
    world,
)

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.problems.base import Floats
    from tests.unit.worth.simulation import Shape

pytestmark = pytest.mark.slow
LEVEL = 0.95


def holds(interval: Interval | LabelCount, truth: float) -> bool:
    return bool(interval.low <= truth <= interval.high)


def compute_true_advantage(true: World, budgets: Floats) -> float:
    """Area between the true curves, read from side to side, over the scores both come to."""
    factor = true.multiplier
    labels = np.geomspace(budgets[0] * max(1, factor), budgets[-1] * min(1, factor), 20_001)
    heights = np.asarray(true.curve(labels))
    middle = (labels[1:] + labels[:-1]) / 2
    return float((middle * (1 - 1 / factor)) @ np.diff(heights) / (heights[-1] - heights[0]))


def judge(true: World, scores: Scores, target_factor: float) -> dict[str, list[bool]]:
    """Say of each interval whether it holds the truth."""
    budgets = np.array(scores.budgets, dtype=float)
    baseline, lever = true.curve(budgets), true.curve(budgets * true.multiplier)
    curve, gains, target = (
        curves.fit(scores.budgets, scores.curve),
        compute_gain(scores, LEVER),
        budgets[-1] * target_factor,
    )
    levels = BootstrapSamples(np.stack([curve.predict(n).rows for n in scores.budgets], axis=1) + gains.rows)
    lever_curve = curves.fit(scores.budgets, levels)
    measurable_budgets = [budget for budget in scores.budgets if budgets[0] <= budget * true.multiplier <= budgets[-1]]
    return {
        "gain": [holds(gains[i].interval(LEVEL), lever[i] - baseline[i]) for i in range(len(budgets))],
        "curve": [holds(curve.predict(budget).interval(LEVEL), baseline[i]) for i, budget in enumerate(budgets)],
        "equivalence": [
            holds(estimate_labels(curve, levels[scores.budgets.index(budget)], LEVEL), budget * true.multiplier)
            for budget in measurable_budgets
        ],
        "advantage": [holds(estimate_advantage(curve, lever_curve, LEVEL), compute_true_advantage(true, budgets))],
        "forecast": [holds(forecast(curve, float(true.curve(target)), LEVEL).labels, target)],
        "backtest": [check.is_covered for check in backtest(scores.budgets, scores.curve, LEVEL).forecasts],
    }


def simulate_coverage(shape: Shape, replicates: int, studies: int) -> dict[str, float]:
    """Simulate studies, one in ten of which measures macro-F1, and return how often each interval held."""
    hits: dict[str, list[bool]] = {}
    for seed in range(studies):
        rng = np.random.default_rng([replicates, seed])
        true, target_factor = world(rng, shape), rng.uniform(2, 4)
        design = Design(levers=replicates, curve=2 * replicates, classes=0 if seed % 10 else 3)
        for name, is_covered in judge(true, simulate_scores(rng, true, design), target_factor).items():
            hits.setdefault(name, []).extend(is_covered)
    return {name: round(float(np.mean(is_covered)), 3) for name, is_covered in hits.items()}


@pytest.mark.parametrize(("replicates", "studies"), [pytest.param(10, 500, marks=pytest.mark.long), (5, 300)])
def test_intervals_hold_the_truth_as_often_as_they_say(replicates: int, studies: int) -> None:
    shares = simulate_coverage(power_law, replicates, studies)
    assert all(0.93 <= shares[name] <= 0.985 for name in shares), shares


@pytest.mark.long
@pytest.mark.parametrize("shape", [exponential, logistic])
def test_intervals_hold_the_truth_of_curves_that_are_no_power_law(shape: Shape) -> None:
    """Backtests are not checked: on these curves they should fail."""
    shares = simulate_coverage(shape, 10, 300)
    assert all(0.92 <= shares[name] <= 0.99 for name in ("gain", "curve", "equivalence")), shares
    assert all(shares[name] >= 0.9 for name in ("advantage", "forecast")), shares


def test_where_no_lever_helps_hardly_any_study_says_that_one_is_worth_it() -> None:
    """80 studies of seven lever sets; by unadjusted intervals a tenth would say so."""
    design = Design(levers=8, curve=12, test=400, resamples=300, classes=3)
    num_worth_it = num_keeping = num_worth_it_unadjusted = 0
    for seed in range(80):
        rng = np.random.default_rng([5, seed])
        findings = idle_study(rng, replace(world(rng, power_law), multiplier=1.0), design)
        places = [(levers, i) for levers in list_effective_sets(findings) for i in range(len(findings.scores.budgets))]
        num_worth_it += any(findings.classify(levers, findings.scores.budgets[i]) == "worth it" for levers, i in places)
        num_worth_it_unadjusted += any(
            classify_gain(findings.gains[levers][i], findings.plan.params.min_effect) == "worth it"
            for levers, i in places
        )
        num_keeping += bool(decide(findings).keep)
    assert num_worth_it <= 3, num_worth_it
    assert num_keeping <= 2, num_keeping
    assert num_worth_it_unadjusted > num_worth_it


@pytest.mark.long
def test_a_lever_that_is_worth_it_is_seldom_stopped() -> None:
    """The hardest case: its true gain is exactly the least that matters. A harmful lever saves most of its runs."""
    num_stopped, runs_saved = 0, []
    for seed in range(150):
        rng = np.random.default_rng([3, seed])
        true, design = world(rng, power_law), Design(levers=10, curve=2, resamples=1000)
        budgets = np.array(design.budgets)
        least = float((true.curve(budgets * true.multiplier) - true.curve(budgets)).mean())
        scores = simulate_scores(rng, true, design)
        num_stopped += (
            find_stop(scores, LEVER, Futility(0.05, least, first_comparison=FIRST_COMPARISON, replicates=10))
            is not None
        )
        runs_saved.append(
            10
            - (
                find_stop(scores, LEVER, Futility(0.05, least + 0.05, first_comparison=FIRST_COMPARISON, replicates=10))
                or 10
            )
        )
    assert num_stopped <= 0.05 * 150, num_stopped
    assert np.mean(runs_saved) > 3, np.mean(runs_saved)
