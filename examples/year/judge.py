"""Who knows every label: what the champion of the day really scores in a month's world, and what the first would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from satiety.core.records import Example
from satiety.evaluate.bootstrap import Comparison, Resampling, assign_groups, compare
from satiety.package.load import Package
from satiety.problems import Prediction

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


@dataclass(frozen=True, slots=True)
class Judge:
    """Lets both answer, and remembers what they said: many a text comes every month."""

    first: Package
    seed: int
    said: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    """By the model's digest and the text."""

    def scores(self, champion: Package, examples: Sequence[Example]) -> Scores:
        """Compare the champion of the day with the first."""
        problem, texts = champion.problem, [one.text for one in examples]
        before, after = (problem.tally(examples, self._answers(one, texts)) for one in (self.first, champion))
        how = Resampling(self.seed, RESAMPLES, LEVEL)
        return _scores(compare(problem.score, before, after, assign_groups(examples), how), problem.headline)

    def _answers(self, package: Package, texts: Sequence[str]) -> list[Prediction]:
        new = [text for text in dict.fromkeys(texts) if (package.digest, text) not in self.said]
        if new:
            self.said.update(zip([(package.digest, text) for text in new], package.predict(new), strict=True))
        return [self.said[package.digest, text] for text in texts]


def score(package: Package, examples: Sequence[Example], answers: Sequence[Any]) -> float:
    """Return the headline metric of answers that were given."""
    problem = package.problem
    return float(problem.score(problem.tally(examples, answers))[problem.headline])


def _scores(found: Comparison, headline: str) -> Scores:
    return Scores(*(part[headline].to_dict() for part in (found.second, found.first, found.difference)))
