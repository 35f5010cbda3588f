"""Who knows every label: what the champion of the day really scores in a month's world, and what the first would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from satiety.evaluate.bootstrap import Comparison, Resampling, compare
from satiety.package.load import Package
from satiety.records import Example

RESAMPLES, LEVEL = 1000, 0.95


@dataclass(frozen=True, slots=True)
class Scores:
    """The headline metric of both models on the same texts, {value, low, high}."""

    champion: dict[str, float]
    """Of the day: with Satiety."""
    first: dict[str, float]
    """The first champion, had nobody looked after it."""
    difference: dict[str, float]
    """Champion − first."""


def judge(first: Package, champion: Package, examples: Sequence[Example], seed: int) -> Scores:
    """Let both answer, and compare."""
    problem, texts = champion.problem, [one.text for one in examples]
    answers = champion.predict(texts)
    old = answers if first.digest == champion.digest else first.predict(texts)
    before, after = (problem.tally(examples, said) for said in (old, answers))
    return _scores(compare(problem.measure, before, after, Resampling(seed, RESAMPLES, LEVEL)), problem.headline)


def score(package: Package, examples: Sequence[Example], answers: Sequence[Any]) -> float:
    """Return the headline metric of answers that were given."""
    problem = package.problem
    return float(problem.measure(problem.tally(examples, answers).sum(axis=0))[problem.headline])


def _scores(found: Comparison, headline: str) -> Scores:
    return Scores(*(part[headline].rounded() for part in (found.second, found.first, found.difference)))
