"""Two texts and a number: without training the answer is the cosine, on the scale of the labels if there are any."""

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


def make_pairs(*pairs: tuple[str, str]) -> list[Example]:
    return PROBLEM.build_examples([{"text": first, "text_b": second} for first, second in pairs])


def predict_numbers(train: Sequence[Example], *pairs: tuple[str, str]) -> list[float]:
    return [
        float(prediction.answer.value)
        for prediction in PROBLEM.zero_shot(train, make_pairs(*pairs), ZeroShotModel(embed))
    ]


def make_examples(**values: float) -> list[Example]:
    return [Example(name, {"text": "east", "text_b": name}, Number(value)) for name, value in values.items()]


def test_without_labels_the_answer_is_the_cosine() -> None:
    assert predict_numbers([], ("east", "east"), ("east", "north")) == pytest.approx([1, 0])
    assert predict_numbers([]) == []


def test_with_labels_the_answer_is_on_their_scale() -> None:
    train = make_examples(east=5.0, north=1.0)
    assert predict_numbers(train, ("east", "east"), ("east", "north"), ("north", "far")) == pytest.approx(
        [5, 1, 1 + 4 * np.cos(np.pi / 2 - 1)]
    )


@pytest.mark.parametrize(
    "train", [make_examples(near=2.0), make_examples(east=1.0, north=5.0), make_examples(far=1.0, east=1.0)]
)
def test_labels_without_a_rising_line_leave_the_cosine_unchanged(train: list[Example]) -> None:
    assert predict_numbers(train, ("east", "far")) == pytest.approx([np.cos(1)])


def test_a_rounding_difference_is_no_contradiction_but_a_larger_one_is() -> None:
    assert not PROBLEM.contradicts(Number(4.0), 1.0, Prediction(Number(4.0001)), 1e-3)
    assert PROBLEM.contradicts(Number(4.0), 1.0, Prediction(Number(4.1)), 1e-3)


def test_more_similar_texts_get_a_larger_number_whatever_the_labels_are() -> None:
    actual = predict_numbers(make_examples(east=-3.0, far=-90.0), ("east", "near"), ("east", "far"), ("east", "north"))
    assert actual == sorted(actual, reverse=True)
