"""Predictions <-> a table of answers without texts: a label as JSON text, spans as ``[[start, end, label], …]``."""

import json
from collections.abc import Iterator, Mapping, Sequence

from satiety.errors import DataError
from satiety.problems.base import Prediction, Problem
from satiety.records import Answer, Example, Span


def collect(gold: Sequence[Example], before: Sequence[Prediction], after: Sequence[Prediction]) -> Iterator[Answer]:
    """Yield one answer per test example, in order."""
    for example, old, new in zip(gold, before, after, strict=True):
        yield Answer(example.id, write(example), write(old), write(new), new.confidence)


def write(answer: Example | Prediction) -> str:
    """Return a gold or a predicted answer as JSON."""
    spans = [[span.start, span.end, span.label] for span in answer.spans]
    return json.dumps(spans if answer.label is None else answer.label, ensure_ascii=False)


def read(text: str) -> Prediction:
    """Return the answer that ``write`` wrote; its confidence is not in it.

    Raises:
        DataError: it is no answer.
    """
    try:
        value = json.loads(text)
        if isinstance(value, str):
            return Prediction(label=value)
        return Prediction(spans=tuple(Span(int(start), int(end), str(label)) for start, end, label in value))
    except (ValueError, TypeError) as error:
        raise DataError(f"{text[:80]!r} is not an answer ({error}); evaluate again, or restore the file") from None


def fits(text: str, problem: Problem) -> bool:
    """Return whether it is an answer to this problem: other problems of a project may share a record."""
    try:
        label = read(text).label
    except DataError:
        return False
    return (label is not None) == (problem.head == "text") and (label is None or label in problem.listed)


def recalled(answers: Mapping[str, Answer], gold: Sequence[Example]) -> list[Answer] | None:
    """Return the stored answers for ``gold``, in its order, or None where they are of other examples or golds."""
    if len(answers) != len(gold):
        return None
    found = [answers.get(example.id) for example in gold]
    pairs = zip(found, gold, strict=True)
    if any(answer is None or read(answer.gold) != read(write(example)) for answer, example in pairs):
        return None
    return [answer for answer in found if answer is not None]
