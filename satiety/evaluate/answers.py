"""Predictions <-> a table of answers without texts."""

from collections.abc import Iterator, Mapping, Sequence

from satiety.answers import dump, load
from satiety.problems.base import Prediction
from satiety.records import Evaluated, Example


def collect(gold: Sequence[Example], before: Sequence[Prediction], after: Sequence[Prediction]) -> Iterator[Evaluated]:
    """Yield one row per test example, in order."""
    for example, old, new in zip(gold, before, after, strict=True):
        yield Evaluated(example.id, dump(example.answer), dump(old.answer), dump(new.answer), new.confidence)


def recalled(answers: Mapping[str, Evaluated], gold: Sequence[Example]) -> list[Evaluated] | None:
    """Return the stored answers for ``gold``, in its order, or None where they are of other examples or golds."""
    if len(answers) != len(gold):
        return None
    found = [answers.get(example.id) for example in gold]
    pairs = zip(found, gold, strict=True)
    if any(answer is None or load(answer.gold) != example.answer for answer, example in pairs):
        return None
    return [answer for answer in found if answer is not None]
