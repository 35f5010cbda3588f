"""Tallies of runs -> resampled scores and gains of lever sets at budgets: the basis of every statistic of the meter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.errors import DataError
from satiety.evaluate.bootstrap import draw_weights
from satiety.worth.pool import sample_pool_noise
from satiety.worth.resample import BootstrapNoise, BootstrapSamples, ReplicateScores, compute_means

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Groups, Resampling, Score
    from satiety.problems.base import Floats

LeverSet = tuple[str, ...]
"""Sorted names of levers; () is the baseline."""
Key = tuple[int, LeverSet, int]
"""Budget, lever set and replicate of a run."""
BASELINE: LeverSet = ()


@dataclass(frozen=True, slots=True)
class NoiseSources:
    """Sampling noise of the levers' and the curve's replicates, and the pool's noise in either."""

    levers: BootstrapNoise
    curve: BootstrapNoise
    levers_pool: BootstrapNoise
    curve_pool: BootstrapNoise


@dataclass(frozen=True, slots=True)
class Scores:
    """Resampled scores of all runs. Intervals hold for newly drawn labels: samples contain the pool's noise."""

    budgets: tuple[int, ...]
    """Ascending; may begin with 0."""
    curve: BootstrapSamples
    """The baseline's mean scores over the curve's replicates, for the learning curve; shape (budgets,)."""
    replicates: dict[LeverSet, ReplicateScores]
    """Scores of the levers' replicates, for differences within a replicate."""
    pool_noise: dict[LeverSet, Floats]
    """The pool's noise in each lever set's gain over the baseline, the same at all budgets; shape (resamples,)."""
    curve_replicates: ReplicateScores
    """Scores of the curve's replicates, which have no levers."""
    noise: NoiseSources

    def mean(self, levers: LeverSet) -> Floats:
        """Return the mean score of a lever set over its replicates, shape (budgets,); NaN where not measured."""
        return compute_means([(self.replicates[levers], self.noise.levers)])[0].point

    def drop_pool_noise(self, lever_sets: Collection[LeverSet]) -> Scores:
        """Return a copy in which the gains of these lever sets are conditional on the labels at hand."""
        pool_noise = {levers: 0 * noise if levers in lever_sets else noise for levers, noise in self.pool_noise.items()}
        return replace(self, pool_noise=pool_noise)

    def restrict_to_common(self, lever_sets: Collection[LeverSet]) -> Scores:
        """Return the scores of these lever sets over the replicates in which all were measured."""
        is_measured = reduce(np.logical_and, (np.isfinite(self.replicates[levers].point) for levers in lever_sets))
        replicates = {levers: self.replicates[levers].mask(is_measured) for levers in lever_sets}
        return _summarize(self.budgets, replicates, self.curve_replicates, self.noise)


class Scorer:
    """Scores runs on shared resamples of the test set, each run once."""

    def __init__(self, score: Score, headline: str, groups: Groups, resampling: Resampling) -> None:
        """Create a scorer with an empty cache.

        Args:
            score: ``Problem.score``.
            headline: name of the metric used as score.
            groups: of the test examples, which are resampled together.
            resampling: seed and number of resamples.
        """
        self._compute_metric, self._headline, self._groups, self._resampling = score, headline, groups, resampling
        self._weights: Floats | None = None
        self._caches: tuple[dict[Key, Floats], dict[Key, Floats]] = ({}, {})

    def measure(self, runs: Iterable[tuple[Key, Floats]], curve: Iterable[tuple[Key, Floats]]) -> Scores:
        """Return the resampled scores. Runs are consumed one by one, so tallies need not fit in memory together.

        Args:
            runs: of the levers' replicates, the baseline included: tallies on the test examples, shape
                (examples, counts), with the same order of examples in every run. Known runs are read from the cache.
            curve: of the curve's replicates, baseline only.

        Raises:
            DataError: there are no runs, or their test sets differ in size.
        """
        levers, baseline = (
            self._scores(group, cache) for group, cache in zip((runs, curve), self._caches, strict=True)
        )
        if not levers or not baseline:
            raise DataError("worth: no runs to score; check worth.budgets, worth.replicates and worth.curve_replicates")
        budgets = tuple(sorted({key[0] for key in (*levers, *baseline)}))
        counts = [len({replicate for _, _, replicate in group}) for group in (levers, baseline)]
        seed, resamples = self._resampling.seed, self._resampling.resamples
        lever_noise, curve_noise = (
            BootstrapNoise.sample((seed, group), resamples, count) for group, count in enumerate(counts)
        )
        tables = _tabulate(levers, budgets)
        pool_noise = (BootstrapNoise.sample((seed, group), resamples, max(len(tables), *counts)) for group in (2, 3))
        return _summarize(
            budgets, tables, _tabulate(baseline, budgets)[BASELINE], NoiseSources(lever_noise, curve_noise, *pool_noise)
        )

    def _scores(self, runs: Iterable[tuple[Key, Floats]], cache: dict[Key, Floats]) -> dict[Key, Floats]:
        """Return each run's score on the test set, then on its resamples; shape (1 + resamples,)."""
        return {key: cache[key] if key in cache else cache.setdefault(key, self._score(tally)) for key, tally in runs}

    def _score(self, tallies: Floats) -> Floats:
        count = len(tallies)
        if not count:
            raise DataError("worth: the test set is empty; raise ingest.test")
        if count != len(self._groups):
            raise DataError(f"worth: a run has {count} test examples, but the test set has {len(self._groups)}")
        if self._weights is None:
            self._weights = np.concatenate(
                [np.ones((1, len(self._groups))), *draw_weights(self._groups, self._resampling)]
            )
        metrics = self._compute_metric(tallies.astype(np.float64, copy=False), self._weights)
        return np.asarray(metrics[self._headline], dtype=np.float64)


def resample_scores(
    score: Score,
    headline: str,
    runs: Iterable[tuple[Key, Floats]],
    curve: Iterable[tuple[Key, Floats]],
    groups: Groups,
    resampling: Resampling,
) -> Scores:
    """Score runs once; for repeated analyses of a growing study keep a :class:`Scorer`."""
    return Scorer(score, headline, groups, resampling).measure(runs, curve)


def compute_gain(scores: Scores, levers: LeverSet, reference: LeverSet = BASELINE) -> BootstrapSamples:
    """Return the gain of ``levers`` over ``reference`` at each budget, within the replicates that have both."""
    added = compute_means([(scores.replicates[levers] - scores.replicates[reference], scores.noise.levers)])[0]
    return BootstrapSamples.from_draws(
        added.point, added.draws + (scores.pool_noise[levers] - scores.pool_noise[reference])[:, None]
    )


def _summarize(
    budgets: tuple[int, ...], replicates: dict[LeverSet, ReplicateScores], curve: ReplicateScores, noise: NoiseSources
) -> Scores:
    """Average the curve's replicates, and sample the pool's noise in the curve and in the gains."""
    line = compute_means([(curve, noise.curve)])[0]
    line = BootstrapSamples.from_draws(line.point, line.draws + sample_pool_noise([curve], budgets, noise.curve_pool))
    differences = [scores - replicates[BASELINE] for scores in replicates.values()]
    pool_noise = dict(zip(replicates, sample_pool_noise(differences, budgets, noise.levers_pool).T, strict=True))
    return Scores(budgets, line, replicates, pool_noise, curve, noise)


def _tabulate(scores: Mapping[Key, Floats], budgets: tuple[int, ...]) -> dict[LeverSet, ReplicateScores]:
    """Arrange scores by lever set, replicates in order of their number; NaN where a run is missing."""
    rows = {budget: i for i, budget in enumerate(budgets)}
    columns = {replicate: i for i, replicate in enumerate(sorted({replicate for _, _, replicate in scores}))}
    shape = (len(next(iter(scores.values()))), len(rows), len(columns))
    tables = {levers: np.full(shape, np.nan) for levers in sorted({levers for _, levers, _ in scores})}
    for (budget, levers, replicate), score in scores.items():
        tables[levers][:, rows[budget], columns[replicate]] = score
    return {levers: ReplicateScores(table[0], table[1:]) for levers, table in tables.items()}
