"""Texts of the classes are refused as often as was allowed, whatever the confidences look like."""

from __future__ import annotations

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.core.errors import ParamsError
from satiety.evaluate.abstention import calibrate_abstention, find_threshold
from satiety.problems import PROBLEMS, Prediction


@pytest.mark.parametrize("error", [0.05, 0.2])
@pytest.mark.parametrize("count", [19, 100])
def test_new_texts_of_the_classes_are_refused_in_at_most_this_share_of_cases(error: float, count: int) -> None:
    rng = np.random.default_rng(0)
    draws = rng.beta(5, 2, size=(4000, count + 1))
    refused = np.mean([row[-1] < find_threshold(row[:-1].tolist(), error) for row in draws])
    expected = int(error * (count + 1) + 1e-9) / (count + 1)
    assert refused == pytest.approx(expected, abs=0.015)
    assert refused <= error + 0.015


def test_too_few_texts_refuse_nothing() -> None:
    assert find_threshold([0.9] * 18, 0.05) == 0
    assert find_threshold([], 0.5) == 0


def test_the_report_has_the_threshold_and_what_it_refuses() -> None:
    predictions = [Prediction(Label("good"), confidence=i / 100) for i in range(1, 100)]
    report = calibrate_abstention(PROBLEMS["classify"].sample(), predictions, 0.1)
    assert report == {"error": 0.1, "threshold": 0.1, "refused": 9, "examples": 99}


def test_an_answer_that_is_no_label_cannot_be_refused() -> None:
    with pytest.raises(ParamsError, match=r"evaluate\.abstain: 'ner' has no answer that is one label of a set"):
        calibrate_abstention(PROBLEMS["ner"].sample(), [], 0.1)
