"""True scores of the current and the first champion in a month's world, from all labels."""

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
class ModelScores:
    """The headline metric of both models on the same texts, {value, low, high}."""

    champion: dict[str, float]
    """The current champion: with Satiety."""
    first: dict[str, float]
    """The first champion, without any retraining."""
    difference: dict[str, float]
    """Champion − first."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores both models and caches their answers, since many texts come every month."""

    first: Package
    seed: int
    predictions: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    """By the model's digest and the text."""

    def scores(self, champion: Package, examples: Sequence[Example]) -> ModelScores:
        """Compare the current champion with the first."""
        problem, texts = champion.problem, [example.text for example in examples]
        first_tallies, champion_tallies = (
            problem.tally(examples, self._answers(package, texts)) for package in (self.first, champion)
        )
        resampling = Resampling(self.seed, RESAMPLES, LEVEL)
        return _scores(
            compare(problem.score, first_tallies, champion_tallies, assign_groups(examples), resampling),
            problem.headline,
        )

    def _answers(self, package: Package, texts: Sequence[str]) -> list[Prediction]:
        unanswered = [text for text in dict.fromkeys(texts) if (package.digest, text) not in self.predictions]
        if unanswered:
            self.predictions.update(
                zip([(package.digest, text) for text in unanswered], package.predict(unanswered), strict=True)
            )
        return [self.predictions[package.digest, text] for text in texts]


def score(package: Package, examples: Sequence[Example], answers: Sequence[Any]) -> float:
    """Return the headline metric of the answers."""
    problem = package.problem
    return float(problem.score(problem.tally(examples, answers))[problem.headline])


def _scores(comparison: Comparison, headline: str) -> ModelScores:
    return ModelScores(
        *(part[headline].to_dict() for part in (comparison.second, comparison.first, comparison.difference))
    )
