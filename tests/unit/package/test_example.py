"""Rounding between processors does not contradict a stored answer; another model does."""

from typing import Any

import pytest

from satiety.core.answers import Label, Span, Spans, dump
from satiety.core.records import Evaluated
from satiety.package.example import is_contradicted
from satiety.problems import PROBLEMS, Prediction

PER, LOC = Span(0, 4, "PER"), Span(14, 19, "LOC")
NAN = float("nan")
CLASSIFY, NER = PROBLEMS["classify"].sample(), PROBLEMS["ner"].sample()


def predict_label(good: float) -> Prediction:
    """Return a prediction of two labels, where ``good`` has this probability."""
    scores = {"bad": 1 - good, "good": good}
    name = max(scores, key=lambda name: scores[name])
    return Prediction(Label(name), confidence=scores[name], scores=scores)


def predict_spans(**chances: float) -> Prediction:
    """Return a prediction of spans with these probabilities; without spans, ``none`` is its confidence."""
    none = chances.pop("none", 0.9)
    span_chances = {{"per": PER, "loc": LOC}[name]: chance for name, chance in chances.items()}
    scores = {f"{span.start}:{span.end}": chance for span, chance in span_chances.items()}
    return Prediction(
        Spans(tuple(span_chances)), confidence=sum(scores.values()) / len(scores) if scores else none, scores=scores
    )


@pytest.mark.parametrize(
    ("original", "prediction", "contradiction"),
    [
        (predict_label(0.8), predict_label(0.8), False),
        (predict_label(0.8), predict_label(0.84), False),
        (predict_label(0.8), predict_label(0.9), True),
        (predict_label(0.52), predict_label(0.49), False),
        (predict_label(0.58), predict_label(0.45), True),
        (predict_label(0.99), predict_label(0.01), True),
        (predict_label(0.8), Prediction(Label("good"), confidence=NAN, scores={"bad": NAN, "good": NAN}), True),
        (predict_label(0.8), Prediction(Label("other"), confidence=0.8, scores={"other": 0.8}), True),
        (predict_label(0.8), predict_spans(per=0.8), True),
        (predict_spans(per=0.8), predict_label(0.8), True),
        (predict_spans(per=0.8, loc=0.9), predict_spans(per=0.8, loc=0.9), False),
        (predict_spans(per=0.8, loc=0.9), predict_spans(per=0.6, loc=0.9), True),
        (predict_spans(), predict_spans(none=0.93), False),
        (predict_spans(), predict_spans(none=0.5), True),
        (predict_spans(per=0.9), predict_spans(per=0.9, loc=0.52), False),
        (predict_spans(per=0.9), predict_spans(per=0.9, loc=0.7), True),
        (predict_spans(per=0.9, loc=0.53), predict_spans(per=0.9), False),
        (predict_spans(per=0.9, loc=0.9), predict_spans(per=0.9), True),
        (predict_spans(per=0.8), predict_spans(), True),
        (predict_spans(per=NAN), predict_spans(), True),
    ],
)
def test_only_a_difference_beyond_rounding_is_a_contradiction(
    original: Prediction, prediction: Prediction, contradiction: bool
) -> None:
    stored = Evaluated("t", "", "", dump(original.answer), original.confidence)
    problem = CLASSIFY if isinstance(original.answer, Label) else NER
    assert is_contradicted(problem, stored, prediction) is contradiction


def test_rounding_may_change_the_most_likely_of_several_labels() -> None:
    scores: dict[str, Any] = {"a": 0.34, "b": 0.33, "c": 0.33}
    stored = Evaluated("t", "", "", dump(Label("a")), 0.34)
    assert not is_contradicted(
        CLASSIFY, stored, Prediction(Label("b"), confidence=0.35, scores=scores | {"a": 0.32, "b": 0.35})
    )
    assert is_contradicted(
        CLASSIFY, stored, Prediction(Label("b"), confidence=0.8, scores={"a": 0.1, "b": 0.8, "c": 0.1})
    )
