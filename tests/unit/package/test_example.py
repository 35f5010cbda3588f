"""Whether an answer contradicts the stored one: rounding between processors does not, another model does."""

from typing import Any

import pytest

from satiety.core.answers import Label, Span, Spans, dump
from satiety.core.records import Evaluated
from satiety.package.example import is_contradicted
from satiety.problems import PROBLEMS, Prediction

PER, LOC = Span(0, 4, "PER"), Span(14, 19, "LOC")
NAN = float("nan")
CLASSIFY, NER = PROBLEMS["classify"].sample(), PROBLEMS["ner"].sample()


def label(good: float) -> Prediction:
    """An answer of two labels, of which ``good`` has this probability."""
    scores = {"bad": 1 - good, "good": good}
    name = max(scores, key=lambda name: scores[name])
    return Prediction(Label(name), confidence=scores[name], scores=scores)


def spans(**chances: float) -> Prediction:
    """An answer of spans with these probabilities; with none, sure of that as far as ``none`` says."""
    none = chances.pop("none", 0.9)
    chosen = {{"per": PER, "loc": LOC}[name]: chance for name, chance in chances.items()}
    scores = {f"{span.start}:{span.end}": chance for span, chance in chosen.items()}
    return Prediction(
        Spans(tuple(chosen)), confidence=sum(scores.values()) / len(scores) if scores else none, scores=scores
    )


@pytest.mark.parametrize(
    ("old", "new", "contradiction"),
    [
        (label(0.8), label(0.8), False),
        (label(0.8), label(0.84), False),
        (label(0.8), label(0.9), True),
        (label(0.52), label(0.49), False),
        (label(0.58), label(0.45), True),
        (label(0.99), label(0.01), True),
        (label(0.8), Prediction(Label("good"), confidence=NAN, scores={"bad": NAN, "good": NAN}), True),
        (label(0.8), Prediction(Label("other"), confidence=0.8, scores={"other": 0.8}), True),
        (label(0.8), spans(per=0.8), True),
        (spans(per=0.8), label(0.8), True),
        (spans(per=0.8, loc=0.9), spans(per=0.8, loc=0.9), False),
        (spans(per=0.8, loc=0.9), spans(per=0.6, loc=0.9), True),
        (spans(), spans(none=0.93), False),
        (spans(), spans(none=0.5), True),
        (spans(per=0.9), spans(per=0.9, loc=0.52), False),
        (spans(per=0.9), spans(per=0.9, loc=0.7), True),
        (spans(per=0.9, loc=0.53), spans(per=0.9), False),
        (spans(per=0.9, loc=0.9), spans(per=0.9), True),
        (spans(per=0.8), spans(), True),
        (spans(per=NAN), spans(), True),
    ],
)
def test_only_what_rounding_cannot_do_is_a_contradiction(old: Prediction, new: Prediction, contradiction: bool) -> None:
    stored = Evaluated("t", "", "", dump(old.answer), old.confidence)
    problem = CLASSIFY if isinstance(old.answer, Label) else NER
    assert is_contradicted(problem, stored, new) is contradiction


def test_which_of_more_labels_is_likeliest_may_change_by_rounding() -> None:
    old: dict[str, Any] = {"a": 0.34, "b": 0.33, "c": 0.33}
    stored = Evaluated("t", "", "", dump(Label("a")), 0.34)
    assert not is_contradicted(
        CLASSIFY, stored, Prediction(Label("b"), confidence=0.35, scores=old | {"a": 0.32, "b": 0.35})
    )
    assert is_contradicted(
        CLASSIFY, stored, Prediction(Label("b"), confidence=0.8, scores={"a": 0.1, "b": 0.8, "c": 0.1})
    )
