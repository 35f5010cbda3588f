"""Texts and their predictions -> rows of the traffic record, as written for a model with one input."""

from collections.abc import Iterator, Sequence

from satiety.core.records import Served
from satiety.problems import PROBLEMS, Prediction
from satiety.serving.traffic import record_answers

ONE_TEXT = PROBLEMS["classify"].sample()


def served_texts(
    texts: Sequence[str], predictions: Sequence[Prediction], name: str, model: str, seconds: float
) -> Iterator[Served]:
    return record_answers(ONE_TEXT, ONE_TEXT.build_examples(texts), predictions, name, model, seconds)
