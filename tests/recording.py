"""Bare texts and what was predicted of them -> rows of the record, as a model of one input writes them."""

from collections.abc import Iterator, Sequence

from satiety.core.records import Served
from satiety.problems import PROBLEMS, Prediction
from satiety.serving.traffic import record_answers

ONE_TEXT = PROBLEMS["classify"].sample()


def served_texts(
    texts: Sequence[str], given: Sequence[Prediction], name: str, model: str, seconds: float
) -> Iterator[Served]:
    return record_answers(ONE_TEXT, ONE_TEXT.build_examples(texts), given, name, model, seconds)
