"""Every input format of MLflow gets predictions as JSON values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cli.predict import iterate_predictions
from satiety import package
from satiety.core.errors import DataError, OutdatedError
from satiety.package.contents import SCORES
from satiety.package.pyfunc import Answerer, _load_pyfunc
from tests.packaging import outdate, sign

TEXTS = ["the good film", "这部电影很好看"]


@pytest.fixture(scope="module")
def answerer(build_package: Callable[[str], Path]) -> Answerer:
    return _load_pyfunc(str(build_package("classify")))


@pytest.mark.parametrize(
    "data",
    [TEXTS, np.array(TEXTS), pd.Series(TEXTS), pd.DataFrame({"any name": TEXTS})],
    ids=["list", "array", "series", "table"],
)
def test_every_input_format_gives_the_same_answers(answerer: Answerer, data: Any) -> None:
    answers = answerer.predict(data)
    assert answers == answerer.predict(TEXTS)
    assert [set(answer) for answer in answers] == [{"label", "confidence"}] * 2


def test_an_unsure_answer_may_be_none_of_these(copy: Path) -> None:
    plain = _load_pyfunc(str(copy)).predict(TEXTS)
    low, high = sorted(float(answer["confidence"]) for answer in plain)
    assert low < high
    threshold = (low + high) / 2
    scores = json.loads((copy / SCORES).read_text(encoding="utf-8"))
    abstention = {"error": 0.05, "threshold": threshold, "refused": 1, "examples": 20}
    (copy / SCORES).write_text(json.dumps(scores | {"abstention": abstention}), encoding="utf-8")
    sign(copy)
    answers = _load_pyfunc(str(copy)).predict(TEXTS)
    assert answers == [answer | {"none_of_these": answer["confidence"] < threshold} for answer in plain]
    rows = list(iterate_predictions(package.open(copy, "cpu"), iter(TEXTS), None))
    assert sorted(row["none_of_these"] for row in rows) == [False, True]


def test_spans_are_answered_as_json_values(build_package: Callable[[str], Path]) -> None:
    for answer in _load_pyfunc(str(build_package("ner"))).predict(TEXTS):
        assert set(answer) == {"spans", "confidence"}
        assert all(set(span) == {"start", "end", "label", "text"} for span in answer["spans"])


def test_no_texts_give_no_answers(answerer: Answerer) -> None:
    assert answerer.predict([]) == []


@pytest.mark.parametrize("data", [[1, 2], [None], pd.DataFrame({"a": [1.5]})])
def test_an_input_that_is_no_text_is_refused(answerer: Answerer, data: Any) -> None:
    with pytest.raises(DataError, match=r"classify: example 1: text is a|an input is a text"):
        answerer.predict(data)


def test_a_model_of_an_earlier_version_is_refused(copy: Path) -> None:
    outdate(copy)
    with pytest.raises(OutdatedError, match=r"model/tuned\.json: made by an earlier version of satiety"):
        _load_pyfunc(str(copy))
