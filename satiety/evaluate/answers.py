"""Predictions <-> a table of answers without texts."""

from collections.abc import Iterator, Mapping, Sequence

from satiety.core.answers import dump, load
from satiety.core.records import Evaluated, Example
from satiety.problems.base import Prediction


def build_rows(
    gold: Sequence[Example], baseline: Sequence[Prediction], tuned: Sequence[Prediction]
) -> Iterator[Evaluated]:
    """Yield one row per test example, in order."""
    for example, baseline_answer, tuned_answer in zip(gold, baseline, tuned, strict=True):
        yield Evaluated(
            example.id,
            dump(example.answer),
            dump(baseline_answer.answer),
            dump(tuned_answer.answer),
            tuned_answer.confidence,
        )


def match_stored(answers: Mapping[str, Evaluated], gold: Sequence[Example]) -> list[Evaluated] | None:
    """Return the stored answers in the order of ``gold``, or None if they belong to other examples or gold answers."""
    if len(answers) != len(gold):
        return None
    matched = [answers.get(example.id) for example in gold]
    pairs = zip(matched, gold, strict=True)
    if any(answer is None or load(answer.gold) != example.answer for answer, example in pairs):
        return None
    return [answer for answer in matched if answer is not None]
