"""Numbers are read, stratified, and scored as scipy scores them, whatever the weights of the examples."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from satiety.core.answers import Number
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.evaluate.bootstrap import Resampling, compare
from satiety.problems import PROBLEMS, Prediction
from satiety.problems.regress import Regress

PROBLEM = Regress(cuts=[2.0, 4.0])
NUMBERS = st.lists(st.sampled_from([0.0, 1.0, 2.5, 2.5, 4.0, 9.0]), min_size=4, max_size=12)


def make_examples(numbers: Any) -> list[Example]:
    return [Example(str(i), {"text": f"text {i}"}, Number(float(number))) for i, number in enumerate(numbers)]


def make_predictions(numbers: Any) -> list[Prediction]:
    return [Prediction(Number(float(number))) for number in numbers]


def tally_numbers(gold_numbers: Any, predicted_numbers: Any) -> Any:
    return PROBLEM.tally(make_examples(gold_numbers), make_predictions(predicted_numbers))


@given(NUMBERS, st.randoms(use_true_random=False))
def test_weighted_scores_equal_those_of_scipy(real: list[float], draw: Any) -> None:
    actual = [number + draw.choice([-1.0, 0.0, 2.0]) for number in real]
    times = [draw.randrange(4) for _ in real]
    if len({number for number, n in zip(real, times, strict=True) if n}) < 2:
        return
    if len({number for number, n in zip(actual, times, strict=True) if n}) < 2:
        return
    metrics = PROBLEM.score(tally_numbers(real, actual), np.array([times], dtype=float))
    a, b = np.repeat(real, times), np.repeat(actual, times)
    assert metrics["spearman"][0] == pytest.approx(spearmanr(a, b).statistic)
    assert metrics["pearson"][0] == pytest.approx(pearsonr(a, b).statistic)
    assert metrics["rmse"][0] == pytest.approx(np.sqrt(((a - b) ** 2).mean()))


def test_a_score_of_one_number_alone_is_zero_and_never_nan() -> None:
    assert PROBLEM.score(tally_numbers([3, 3, 3], [1, 2, 3]))["spearman"] == 0
    assert PROBLEM.score(tally_numbers([1, 2, 3], [5, 5, 5]))["pearson"] == 0


def test_two_systems_are_compared_on_the_same_resamples() -> None:
    """A metric that is no sum over rows has a paired interval like any other."""
    rng = np.random.default_rng(1)
    real = rng.normal(size=300)
    good, bad = real + 0.3 * rng.normal(size=300), real + 2 * rng.normal(size=300)
    pair = compare(
        PROBLEM.score, tally_numbers(real, bad), tally_numbers(real, good), np.arange(300), Resampling(1, 400, 0.95)
    )
    assert pair.second["spearman"].value == pytest.approx(spearmanr(real, good).statistic)
    assert pair.difference["spearman"].low > 0
    assert pair.difference["rmse"].high < 0


@pytest.mark.parametrize(("cell", "number"), [("4.5", 4.5), (3, 3.0), ("-1e3", -1000.0)])
def test_a_cell_is_a_number(cell: Any, number: float) -> None:
    assert PROBLEM.read({"text": "好", "number": cell}) == ({"text": "好"}, Number(number))


@pytest.mark.parametrize("cell", ["four", "", "nan", "inf", "1e999"])
def test_a_cell_that_is_no_number_is_named(cell: str) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        PROBLEM.read({"text": "x", "number": cell})
    with pytest.raises(TypeError):
        PROBLEM.read({"text": "x", "number": [1, 2]})


def test_numbers_are_spread_by_bands() -> None:
    problem = PROBLEMS["regress"].model_validate({"cuts": None}).fit_labels(make_examples(range(1, 101)))
    bands = [problem.stratum(example) for example in make_examples(range(1, 101))]
    assert {band: bands.count(band) for band in bands} == {f"band {i}": 25 for i in (1, 2, 3, 4)}
    assert PROBLEM.fit_labels(make_examples([1, 5])) == PROBLEM, "cuts of params stay"
    with pytest.raises(DataError, match="at least two different numbers"):
        PROBLEM.fit_labels(make_examples([2, 2, 2]))


def test_a_long_text_is_the_mean_of_its_windows() -> None:
    from satiety.problems import Window

    windows = [Window(0, [2, 3], []), Window(1, [2, 3], []), Window(1, [2, 3], [])]
    rows = [np.array([1.0]), np.array([2.0]), np.array([4.0])]
    decoded = PROBLEM.decode(PROBLEM.build_examples(["a", "b"]), windows, rows)
    assert [prediction.answer for prediction in decoded] == [Number(1.0), Number(3.0)]


@pytest.mark.parametrize(("number", "is_contradiction"), [(4.0, False), (4.15, False), (4.5, True), (-4.0, True)])
def test_only_a_difference_beyond_rounding_is_a_contradiction(number: float, is_contradiction: bool) -> None:
    assert PROBLEM.contradicts(Number(4.0), 1.0, Prediction(Number(number)), 0.05) is is_contradiction
