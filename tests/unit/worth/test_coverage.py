"""Intervals hold the truth about as often as they say, in studies whose truth is known.

Share of intervals, level .95, that held the truth in 1,000 simulated studies each: of a gain; of the curve at measured
budgets; of the labels plain takes for a lever's score, where the truth lies in the measured range; of the average data
advantage; of the labels for a target that takes 2 to 4 times the largest budget; of a score foretold by a backtest.

==================  =======  ======  =====  ===========  =========  ========  ========
curve               chains   gain    curve  equivalence  advantage  forecast  backtest
==================  =======  ======  =====  ===========  =========  ========  ========
power law           10 / 20  .952    .944   .959         .938       .957      .948
power law           5 / 10   .967    .950   .976         .964       .955      .953
exponential in n    10 / 20  .947    .951   .958         .929       .961      .450
logistic in log n   10 / 20  .952    .945   .955         .932       .982      .436
==================  =======  ======  =====  ===========  =========  ========  ========

On curves that are no power law a backtest fails, for three budgets cannot tell: so it says what it is there to say.
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
from tests.unit.worth.simulation import LEVER, Design, World, exponential, idle_study, logistic, power_law, study, world

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Interval
    from satiety.problems.base import Floats
    from tests.unit.worth.simulation import Shape

pytestmark = pytest.mark.slow
LEVEL = 0.95


def holds(interval: Interval | LabelCount, truth: float) -> bool:
    return bool(interval.low <= truth <= interval.high)


def true_advantage(true: World, budgets: Floats) -> float:
    """Area between the true curves, read from side to side, over the scores both come to."""
    factor = true.multiplier
    own = np.geomspace(budgets[0] * max(1, factor), budgets[-1] * min(1, factor), 20_001)
    heights = np.asarray(true.curve(own))
    middle = (own[1:] + own[:-1]) / 2
    return float((middle * (1 - 1 / factor)) @ np.diff(heights) / (heights[-1] - heights[0]))


def judge(true: World, scores: Scores, further: float) -> dict[str, list[bool]]:
    """Say of each interval whether it holds the truth."""
    budgets = np.array(scores.budgets, dtype=float)
    plain, lever = true.curve(budgets), true.curve(budgets * true.multiplier)
    curve, gains, target = curves.fit(scores.budgets, scores.curve), compute_gain(scores, LEVER), budgets[-1] * further
    levels = BootstrapSamples(np.stack([curve.predict(n).rows for n in scores.budgets], axis=1) + gains.rows)
    other = curves.fit(scores.budgets, levels)
    seen = [budget for budget in scores.budgets if budgets[0] <= budget * true.multiplier <= budgets[-1]]
    return {
        "gain": [holds(gains[i].interval(LEVEL), lever[i] - plain[i]) for i in range(len(budgets))],
        "curve": [holds(curve.predict(budget).interval(LEVEL), plain[i]) for i, budget in enumerate(budgets)],
        "equivalence": [
            holds(estimate_labels(curve, levels[scores.budgets.index(budget)], LEVEL), budget * true.multiplier)
            for budget in seen
        ],
        "advantage": [holds(estimate_advantage(curve, other, LEVEL), true_advantage(true, budgets))],
        "forecast": [holds(forecast(curve, float(true.curve(target)), LEVEL).labels, target)],
        "backtest": [check.is_covered for check in backtest(scores.budgets, scores.curve, LEVEL).forecasts],
    }


def coverage(shape: Shape, chains: int, studies: int) -> dict[str, float]:
    """Simulate studies, one in ten of which measures macro-F1, and return how often each interval held."""
    held: dict[str, list[bool]] = {}
    for seed in range(studies):
        rng = np.random.default_rng([chains, seed])
        true, further = world(rng, shape), rng.uniform(2, 4)
        how = Design(levers=chains, curve=2 * chains, classes=0 if seed % 10 else 3)
        for name, found in judge(true, study(rng, true, how), further).items():
            held.setdefault(name, []).extend(found)
    return {name: round(float(np.mean(found)), 3) for name, found in held.items()}


@pytest.mark.parametrize(("chains", "studies"), [(10, 500), (5, 300)])
def test_intervals_hold_the_truth_as_often_as_they_say(chains: int, studies: int) -> None:
    found = coverage(power_law, chains, studies)
    assert all(0.93 <= found[name] <= 0.985 for name in found), found


@pytest.mark.parametrize("shape", [exponential, logistic])
def test_intervals_hold_the_truth_of_curves_that_are_no_power_law(shape: Shape) -> None:
    """Backtests are let off: on these curves they are to fail."""
    found = coverage(shape, 10, 300)
    assert all(0.92 <= found[name] <= 0.99 for name in ("gain", "curve", "equivalence")), found
    assert all(found[name] >= 0.9 for name in ("advantage", "forecast")), found


def test_where_no_lever_helps_hardly_any_study_says_that_one_is_worth_it() -> None:
    """80 studies of seven lever sets; by intervals that hold one by one a tenth would say so."""
    how = Design(levers=8, curve=12, test=400, resamples=300, classes=3)
    worth_it = kept = alone = 0
    for seed in range(80):
        rng = np.random.default_rng([5, seed])
        found = idle_study(rng, replace(world(rng, power_law), multiplier=1.0), how)
        places = [(levers, i) for levers in list_effective_sets(found) for i in range(len(found.scores.budgets))]
        worth_it += any(found.classify(levers, found.scores.budgets[i]) == "worth it" for levers, i in places)
        alone += any(
            classify_gain(found.gains[levers][i], found.plan.params.min_effect) == "worth it" for levers, i in places
        )
        kept += bool(decide(found).keep)
    assert (worth_it, kept) <= (3, 2), (worth_it, kept)
    assert alone > worth_it


def test_a_lever_that_is_worth_it_is_seldom_stopped() -> None:
    """The hardest case: its true gain is exactly the least that matters. A harmful lever saves most of its cells."""
    wrong, saved = 0, []
    for seed in range(150):
        rng = np.random.default_rng([3, seed])
        true, how = world(rng, power_law), Design(levers=10, curve=2, resamples=1000)
        budgets = np.array(how.budgets)
        least = float((true.curve(budgets * true.multiplier) - true.curve(budgets)).mean())
        scores = study(rng, true, how)
        wrong += (
            find_stop(scores, LEVER, Futility(0.05, least, first_comparison=FIRST_COMPARISON, replicates=10))
            is not None
        )
        saved.append(
            10
            - (
                find_stop(scores, LEVER, Futility(0.05, least + 0.05, first_comparison=FIRST_COMPARISON, replicates=10))
                or 10
            )
        )
    assert wrong <= 0.05 * 150, wrong
    assert np.mean(saved) > 3, np.mean(saved)
