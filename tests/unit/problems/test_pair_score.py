"""Two texts and a number: before any label the cosine answers, on the scale of the labels where there are some."""

from collections.abc import Sequence

import numpy as np
import pytest

from satiety.core.answers import Number
from satiety.core.records import Example
from satiety.problems.base import Prediction, ZeroShotModel
from satiety.problems.pair_score import PairScore

PROBLEM = PairScore(cuts=[2.0, 4.0])
ANGLES = {"east": 0.0, "near": 0.2, "far": 1.0, "north": np.pi / 2}


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([[np.cos(ANGLES[text]), np.sin(ANGLES[text])] for text in texts])


def asked(*pairs: tuple[str, str]) -> list[Example]:
    return PROBLEM.build_examples([{"text": first, "text_b": second} for first, second in pairs])


def numbers(train: Sequence[Example], *pairs: tuple[str, str]) -> list[float]:
    return [float(one.answer.value) for one in PROBLEM.zero_shot(train, asked(*pairs), ZeroShotModel(embed))]


def labelled(**values: float) -> list[Example]:
    return [Example(name, {"text": "east", "text_b": name}, Number(value)) for name, value in values.items()]


def test_without_a_label_it_is_the_cosine() -> None:
    assert numbers([], ("east", "east"), ("east", "north")) == pytest.approx([1, 0])
    assert numbers([]) == []


def test_with_labels_it_is_on_their_scale() -> None:
    train = labelled(east=5.0, north=1.0)
    assert numbers(train, ("east", "east"), ("east", "north"), ("north", "far")) == pytest.approx(
        [5, 1, 1 + 4 * np.cos(np.pi / 2 - 1)]
    )


@pytest.mark.parametrize("train", [labelled(near=2.0), labelled(east=1.0, north=5.0), labelled(far=1.0, east=1.0)])
def test_labels_that_show_no_rising_line_leave_it_as_it_is(train: list[Example]) -> None:
    assert numbers(train, ("east", "far")) == pytest.approx([np.cos(1)])


def test_numbers_from_another_processor_contradict_nothing_and_others_do() -> None:
    assert not PROBLEM.contradicts(Number(4.0), 1.0, Prediction(Number(4.0001)), 1e-3)
    assert PROBLEM.contradicts(Number(4.0), 1.0, Prediction(Number(4.1)), 1e-3)


def test_more_alike_is_a_larger_number_whatever_the_labels_are() -> None:
    actual = numbers(labelled(east=-3.0, far=-90.0), ("east", "near"), ("east", "far"), ("east", "north"))
    assert actual == sorted(actual, reverse=True)
