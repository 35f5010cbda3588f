"""Intervals of few labels: never a point, and as wide as they must be; the value is that of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.evaluate.bootstrap import IMAGINARY, Resampling, compare, estimate_intervals
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.gold import select_gold
from satiety.evaluate.report import score
from satiety.problems import PROBLEMS, Prediction
from tests.packaging import answers, build_problem, examples
from tests.unit.evaluate.test_report import PARAMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

PROBLEM = PROBLEMS["classify"].model_validate({"labels": ["a", "b"], "names": {}})
PLAIN = Resampling(1, 800, 0.95)
MIXED = Resampling(1, 800, 0.95, imaginary=IMAGINARY)


def make_tallies(is_right: NDArray[np.bool_]) -> Floats:
    gold = [Example(str(i), {"text": ""}, Label("ab"[i % 2])) for i in range(len(is_right))]
    predicted = [Prediction(Label("ab"[(i + (not right)) % 2])) for i, right in enumerate(is_right)]
    return PROBLEM.tally(gold, predicted)


@pytest.mark.parametrize(("right", "low"), [(10, 0.72), (5, 0.25), (0, 0.0)])
def test_ten_labels_have_about_the_interval_of_wilson(right: int, low: float) -> None:
    is_right = np.arange(10) < right
    interval = estimate_intervals(PROBLEM.score, make_tallies(is_right), np.arange(10), MIXED)["accuracy"]
    assert interval.value == right / 10
    assert interval.low == pytest.approx(low, abs=0.04)
    assert interval.low <= interval.value <= interval.high
    assert interval.high - interval.low > 0.2


def test_many_labels_have_the_interval_of_the_bootstrap() -> None:
    tallies = make_tallies(np.arange(3000) % 5 > 0)
    plain, mixed = (
        estimate_intervals(PROBLEM.score, tallies, np.arange(3000), resampling)["macro_f1"]
        for resampling in (PLAIN, MIXED)
    )
    assert mixed.low == pytest.approx(plain.low, abs=0.002)
    assert mixed.high == pytest.approx(plain.high, abs=0.002)


def test_systems_that_agree_on_ten_labels_may_still_differ() -> None:
    tallies, groups = make_tallies(np.arange(10) < 8), np.arange(10)
    plain, mixed = (compare(PROBLEM.score, tallies, tallies, groups, resampling) for resampling in (PLAIN, MIXED))
    assert (plain.difference["accuracy"].low, plain.errors["accuracy"]) == (0, 0)
    assert mixed.difference["accuracy"].value == 0
    assert mixed.difference["accuracy"].low < -0.05
    assert mixed.errors["accuracy"] > 0.02


def test_one_group_counts_as_one_label() -> None:
    tallies = make_tallies(np.ones(40, dtype=np.bool_))
    single, grouped = (
        estimate_intervals(PROBLEM.score, tallies, groups, MIXED)["accuracy"].low
        for groups in (np.arange(40), np.arange(40) // 10)
    )
    assert (grouped < 0.6, single > 0.9) == (True, True)


def test_the_metrics_of_a_class_rest_on_its_own_labels() -> None:
    gold = [Example(str(i), {"text": ""}, Label("ab"[i > 37])) for i in range(40)]
    predictions = [Prediction(Label("a"), confidence=0.9)] * len(gold)
    systems = dict.fromkeys(("before", "labels_only", "after"), predictions)
    trust = calibrate(PROBLEM.confidence_correct(gold, predictions), PARAMS.bins)
    metrics = score(PROBLEM, gold, systems, params=PARAMS, calibration=trust, folds=10)["metrics"]["after"]
    assert metrics["recall/b"]["value"] == 0
    assert metrics["recall/b"]["high"] > 0.5, "two labels say little"
    assert metrics["recall/a"]["high"] - metrics["recall/a"]["low"] < 0.15


def test_metrics_outside_zero_to_one_have_no_imaginary_examples() -> None:
    problem = PROBLEMS["regress"].sample().model_copy(update={"cuts": [2.0]})
    assert problem.unbounded == set(problem.metrics)
    tallies, groups = np.random.default_rng(1).normal(size=(20, 2)), np.arange(20)
    plain, mixed = (
        estimate_intervals(problem.score, tallies, groups, Resampling(1, 400, 0.95, imaginary, problem.unbounded))
        for imaginary in (0.0, IMAGINARY)
    )
    assert mixed["rmse"] == plain["rmse"]


def test_intervals_of_ten_to_forty_labels_hold_the_truth() -> None:
    """Without imaginary labels a quarter to two thirds of them miss it."""
    draw, shares = np.random.default_rng(3), {}
    for count in (10, 40):
        for name, resampling in (("plain", PLAIN), ("mixed", MIXED)):
            intervals = [
                estimate_intervals(PROBLEM.score, make_tallies(draw.random(count) < 0.95), np.arange(count), resampling)
                for _ in range(150)
            ]
            shares[name, count] = np.mean([row["accuracy"].low <= 0.95 <= row["accuracy"].high for row in intervals])
    assert min(shares["mixed", count] for count in (10, 40)) > 0.88, shares
    assert shares["plain", 10] < 0.6, shares


def test_the_report_says_how_it_was_scored() -> None:
    problem, gold = build_problem("classify"), examples("classify", 30)
    truth = answers(gold, 1.0)
    systems = {"before": answers(gold, 0.5), "labels_only": truth, "after": truth}
    trust = calibrate(problem.confidence_correct(gold, truth), PARAMS.bins)
    report = score(problem, gold, systems, params=PARAMS, calibration=trust, folds=10)
    assert (report["scored_on"], report["folds"], report["after"]["value"]) == ("out_of_fold", 10, 1.0)
    assert report["after"]["low"] < 0.95
    assert report["gain"]["low"] < 0 < report["gain"]["high"]


def test_labels_of_people_are_scored_only_where_there_is_no_test() -> None:
    test, train = examples("classify", 3), examples("classify", 4)
    train[1] = Example("copy", {"text": "x"}, Label("good"), origin="swap", parent="t0")
    assert select_gold(test, train) == (test, "test")
    assert select_gold([], train) == ([train[0], *train[2:]], "out_of_fold")
