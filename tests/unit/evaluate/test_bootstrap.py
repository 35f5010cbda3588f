"""Intervals hold the truth as often as they say, and two systems are compared on the same resamples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.evaluate import bootstrap
from satiety.evaluate.bootstrap import Comparison, Interval, Resampling, assign_groups, draw_weights
from satiety.problems import PROBLEMS, Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

RESAMPLING = Resampling(seed=1, resamples=500, confidence_level=0.95)
PROBLEM = PROBLEMS["classify"].model_validate({"labels": ["好", "bad", "rare"], "names": {}})


def estimate_intervals(measure: Any, counts: Floats, resampling: Resampling) -> dict[str, Interval]:
    """Return the intervals for independent texts."""
    return bootstrap.estimate_intervals(measure, counts, np.arange(len(counts)), resampling)


def compare(measure: Any, first: Floats, second: Floats, resampling: Resampling) -> Comparison:
    """Compare on independent texts."""
    return bootstrap.compare(measure, first, second, np.arange(len(first)), resampling)


def build_tallies(gold: str, predicted: str) -> Floats:
    names = {"g": "好", "b": "bad", "r": "rare"}
    examples = [Example(str(i), {"text": ""}, answer=Label(names[letter])) for i, letter in enumerate(gold)]
    return PROBLEM.tally(examples, [Prediction(Label(names[letter])) for letter in predicted])


def test_every_metric_has_an_interval_around_its_value() -> None:
    estimates = estimate_intervals(PROBLEM.score, build_tallies("ggbbr" * 20, "gbbbr" * 20), RESAMPLING)
    assert {"macro_f1", "accuracy", "f1/好", "precision/bad", "recall/rare"} <= set(estimates)
    assert estimates["accuracy"].value == pytest.approx(0.8)
    assert all(0 <= interval.low <= interval.value <= interval.high <= 1 for interval in estimates.values())
    assert estimates["accuracy"].low < 0.8 < estimates["accuracy"].high
    assert estimates["f1/rare"] == Interval(1.0, 1.0, 1.0)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    counts = build_tallies("ggbbr" * 20, "gbbbr" * 20)
    assert estimate_intervals(PROBLEM.score, counts, RESAMPLING) == estimate_intervals(
        PROBLEM.score, counts, RESAMPLING
    )
    other_intervals = estimate_intervals(PROBLEM.score, counts, Resampling(2, 500, 0.95))
    assert other_intervals != estimate_intervals(PROBLEM.score, counts, RESAMPLING)


def test_block_size_does_not_change_the_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = build_tallies("ggbbr" * 20, "gbbbr" * 20)
    one_block = estimate_intervals(PROBLEM.score, counts, RESAMPLING)
    monkeypatch.setattr(bootstrap, "CELLS", 700)
    assert estimate_intervals(PROBLEM.score, counts, RESAMPLING) == one_block


def test_a_higher_level_gives_a_wider_interval() -> None:
    counts = build_tallies("ggbbr" * 20, "gbbbr" * 20)
    wide, narrow = (estimate_intervals(PROBLEM.score, counts, Resampling(1, 500, level)) for level in (0.99, 0.6))
    assert wide["macro_f1"].high - wide["macro_f1"].low > narrow["macro_f1"].high - narrow["macro_f1"].low


def test_no_examples_are_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match="there are no examples to score"):
        estimate_intervals(PROBLEM.score, np.zeros((0, 9)), RESAMPLING)


def test_systems_on_different_examples_are_not_compared() -> None:
    with pytest.raises(DataError, match="the same examples, but there are 2 and 3"):
        compare(PROBLEM.score, build_tallies("gb", "gb"), build_tallies("gbr", "gbr"), RESAMPLING)


def test_a_system_differs_from_itself_by_nothing() -> None:
    counts = build_tallies("ggbbr" * 10, "gbbbr" * 10)
    comparison = compare(PROBLEM.score, counts, counts, RESAMPLING)
    assert comparison.first == comparison.second == estimate_intervals(PROBLEM.score, counts, RESAMPLING)
    assert set(comparison.difference.values()) == {Interval(0.0, 0.0, 0.0)}


def test_paired_difference_is_sure_where_separate_intervals_overlap() -> None:
    gold = "gb" * 100
    worse = "".join("g" if i % 4 == 0 else letter for i, letter in enumerate("bg" * 60 + "gb" * 40))
    better = worse[:-20] + gold[-20:]
    better = "".join(g if i < 8 else letter for i, (g, letter) in enumerate(zip(gold, better, strict=True)))
    comparison = compare(PROBLEM.score, build_tallies(gold, worse), build_tallies(gold, better), RESAMPLING)
    first, second, difference = (
        side["accuracy"] for side in (comparison.first, comparison.second, comparison.difference)
    )
    assert first.high > second.low
    assert difference.low > 0
    assert difference.value == pytest.approx(second.value - first.value)


@given(st.lists(st.tuples(st.sampled_from("gbr"), st.sampled_from("gbr")), min_size=1, max_size=30))
def test_no_metric_is_ever_nan(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = ("".join(letters) for letters in zip(*pairs, strict=True))
    estimates = estimate_intervals(PROBLEM.score, build_tallies(gold, predicted), Resampling(1, 200, 0.95))
    assert all(
        0 <= value <= 1 for interval in estimates.values() for value in (interval.value, interval.low, interval.high)
    )


def test_rounding_never_shows_a_negative_zero() -> None:
    assert str(Interval(-1e-9, -0.25, 1 / 3).to_dict()) == "{'value': 0.0, 'low': -0.25, 'high': 0.333333}"


class TestGroups:
    def test_groups_are_numbered_as_they_appear_and_texts_without_one_are_single(self) -> None:
        examples = [Example(str(i), {"text": ""}, group=group) for i, group in enumerate(["b", "", "a", "b", ""])]
        assert assign_groups(examples).tolist() == [0, 1, 2, 0, 3]

    def test_every_text_is_drawn_once_on_average(self) -> None:
        (weights,) = draw_weights(np.arange(5), Resampling(1, 4000, 0.95))
        assert weights.shape == (4000, 5)
        assert (weights.sum(axis=1) == 5).all()
        np.testing.assert_allclose(weights.mean(axis=0), np.ones(5), atol=0.06)

    def test_the_texts_of_a_group_are_drawn_together(self) -> None:
        (weights,) = draw_weights(np.array([0, 1, 0, 2, 0]), Resampling(1, 500, 0.95))
        assert (weights[:, 0] == weights[:, 2]).all()
        assert (weights[:, 0] == weights[:, 4]).all()
        assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
        assert (weights[:, 1] != weights[:, 3]).any()

    def test_repeated_texts_make_no_interval_narrower(self) -> None:
        counts = build_tallies("ggbbr" * 20, "gbbbr" * 20)
        once, thrice = estimate_intervals(PROBLEM.score, counts, RESAMPLING), np.repeat(counts, 3, axis=0)
        groups = np.repeat(np.arange(100), 3)
        assert bootstrap.estimate_intervals(PROBLEM.score, thrice, groups, RESAMPLING) == once
        assert bootstrap.compare(PROBLEM.score, thrice, thrice, groups, RESAMPLING).first == once
        narrow = estimate_intervals(PROBLEM.score, thrice, RESAMPLING)["accuracy"]
        assert narrow.high - narrow.low < 0.7 * (once["accuracy"].high - once["accuracy"].low)

    @pytest.mark.slow
    def test_intervals_by_groups_hold_the_truth_and_by_single_texts_do_not(self) -> None:
        """300 experiments: at a true coverage of .95 the share found lies above .915 with probability .99."""
        hits = {"groups": 0, "texts": 0}
        for seed in range(300):
            counts, groups, truth = draw_groups(np.random.default_rng(seed), 150)
            for name, ties in (("groups", groups), ("texts", np.arange(len(groups)))):
                interval = bootstrap.estimate_intervals(PROBLEM.score, counts, ties, Resampling(seed, 400, 0.95))[
                    "accuracy"
                ]
                hits[name] += interval.low <= truth <= interval.high
        assert hits["groups"] > 0.915 * 300
        assert hits["texts"] < 0.85 * 300


def draw_groups(rng: np.random.Generator, count: int) -> tuple[Floats, NDArray[np.integer[Any]], float]:
    """Return tallies of groups of 1 to 6 texts that are mostly right or wrong together, their groups, the accuracy."""
    sizes = rng.integers(1, 7, count)
    groups = np.repeat(np.arange(count), sizes)
    together = rng.random(count) < 0.7
    is_right = np.where(rng.random(len(groups)) < 0.8, together[groups], rng.random(len(groups)) < 0.7)
    gold = rng.choice(list("gb"), len(groups))
    wrong_labels = np.where(gold == "g", "b", "g")
    return build_tallies("".join(gold), "".join(np.where(is_right, gold, wrong_labels))), groups, 0.7


def draw(rng: np.random.Generator, count: int, skill: float) -> tuple[Floats, Floats]:
    """Return the tallies of two systems that share some mistakes, on ``count`` examples of an uneven population."""
    gold = rng.choice(list("gbr"), count, p=[0.6, 0.3, 0.1])
    draws, random_labels = rng.random(count), rng.choice(list("gbr"), count)
    shared = np.where(rng.random(count) < 0.6, draws, rng.random(count))
    first = np.where(draws < skill, gold, random_labels)
    second = np.where(shared < skill + 0.1, gold, random_labels)
    return build_tallies("".join(gold), "".join(first)), build_tallies("".join(gold), "".join(second))


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """150 experiments: at a true coverage of .95 the share found lies above .89 with probability .998."""
    rng = np.random.default_rng(7)
    large = compare(PROBLEM.score, *draw(rng, 200_000, 0.5), Resampling(1, 200, 0.95))
    hits = {"score": 0, "difference": 0}
    for seed in range(150):
        comparison = compare(PROBLEM.score, *draw(rng, 300, 0.5), Resampling(seed, 400, 0.95))
        score, difference = comparison.first["macro_f1"], comparison.difference["macro_f1"]
        hits["score"] += score.low <= large.first["macro_f1"].value <= score.high
        hits["difference"] += difference.low <= large.difference["macro_f1"].value <= difference.high
    assert 0.89 * 150 <= hits["score"] < 150
    assert 0.89 * 150 <= hits["difference"] < 150
