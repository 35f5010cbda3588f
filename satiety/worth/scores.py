"""Tallies of cells -> scores of lever sets at budgets, resampled: all that the rest of the meter looks at."""

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
"""Names of levers, sorted; () is *plain*."""
Key = tuple[int, LeverSet, int]
"""Of a cell: its budget, lever set and chain."""
BASELINE: LeverSet = ()


@dataclass(frozen=True, slots=True)
class NoiseSources:
    """What chance may have done to the levers' chains and to the curve's, and what the pool did to either."""

    levers: BootstrapNoise
    curve: BootstrapNoise
    levers_pool: BootstrapNoise
    curve_pool: BootstrapNoise


@dataclass(frozen=True, slots=True)
class Scores:
    """What all cells say, resampled. Intervals are for labels drawn anew: the pool's luck is in every draw."""

    budgets: tuple[int, ...]
    """Ascending; may begin with 0."""
    curve: BootstrapSamples
    """What a learning curve of plain is fitted to: its mean scores over the curve's chains; shape (budgets,)."""
    replicates: dict[LeverSet, ReplicateScores]
    """The levers' chains one by one, for differences within a chain."""
    pool_noise: dict[LeverSet, Floats]
    """Of each lever set what the pool may have done to its gain over plain, at all budgets; shape (resamples,)."""
    curve_replicates: ReplicateScores
    """The curve's chains, which no lever saw."""
    noise: NoiseSources

    def mean(self, levers: LeverSet) -> Floats:
        """Return the mean score over the chains of a lever set, shape (budgets,); NaN where it was not measured."""
        return compute_means([(self.replicates[levers], self.noise.levers)])[0].point

    def drop_pool_noise(self, lever_sets: Collection[LeverSet]) -> Scores:
        """Return the scores without the pool's luck in what these lever sets add: told of the labels at hand."""
        pool_noise = {levers: 0 * noise if levers in lever_sets else noise for levers, noise in self.pool_noise.items()}
        return replace(self, pool_noise=pool_noise)

    def restrict_to_common(self, lever_sets: Collection[LeverSet]) -> Scores:
        """Return the scores of these lever sets over the chains that have them all."""
        is_measured = reduce(np.logical_and, (np.isfinite(self.replicates[levers].point) for levers in lever_sets))
        replicates = {levers: self.replicates[levers].mask(is_measured) for levers in lever_sets}
        return _summarize(self.budgets, replicates, self.curve_replicates, self.noise)


class Scorer:
    """Measures cells, all on the same resamples of the test set, and each but once."""

    def __init__(self, score: Score, headline: str, groups: Groups, resampling: Resampling) -> None:
        """Prepare to measure.

        Args:
            score: ``Problem.score``.
            headline: the metric that is the score.
            groups: of the test examples.
            resampling: seed and number of resamples.
        """
        self._compute_metric, self._headline, self._groups, self._resampling = score, headline, groups, resampling
        self._weights: Floats | None = None
        self._caches: tuple[dict[Key, Floats], dict[Key, Floats]] = ({}, {})

    def measure(self, runs: Iterable[tuple[Key, Floats]], curve: Iterable[tuple[Key, Floats]]) -> Scores:
        """Return every mean score and its draws. Cells are taken one by one: not all tallies need be in memory at once.

        Args:
            runs: of the levers' chains, plain among them: tallies on the test examples, shape (examples, counts), in
                the same order of examples in every cell. A cell that was read before is not measured again.
            curve: of the curve's chains: plain alone.

        Raises:
            DataError: there are no cells, or they were tallied on different test sets.
        """
        levers, baseline = (
            self._scores(group, cache) for group, cache in zip((runs, curve), self._caches, strict=True)
        )
        if not levers or not baseline:
            raise DataError("worth: there is no cell to measure; give `worth` budgets, and chains for levers and curve")
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
        """Return each cell's score as it is, then on the resamples; shape (1 + resamples,)."""
        return {key: cache[key] if key in cache else cache.setdefault(key, self._score(tally)) for key, tally in runs}

    def _score(self, tallies: Floats) -> Floats:
        count = len(tallies)
        if not count:
            raise DataError("worth: there is no test example, so nothing to measure")
        if count != len(self._groups):
            raise DataError(
                f"worth: cells must share one test set; it has {len(self._groups)} examples, a cell {count}"
            )
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
    """Return what a new :class:`Ruler` reads; who looks again and again as cells come in keeps one."""
    return Scorer(score, headline, groups, resampling).measure(runs, curve)


def compute_gain(scores: Scores, levers: LeverSet, reference: LeverSet = BASELINE) -> BootstrapSamples:
    """Return what ``levers`` add to ``reference`` at each budget, within the chains that have both."""
    added = compute_means([(scores.replicates[levers] - scores.replicates[reference], scores.noise.levers)])[0]
    return BootstrapSamples.from_draws(
        added.point, added.draws + (scores.pool_noise[levers] - scores.pool_noise[reference])[:, None]
    )


def _summarize(
    budgets: tuple[int, ...], replicates: dict[LeverSet, ReplicateScores], curve: ReplicateScores, noise: NoiseSources
) -> Scores:
    """Take the mean of the curve's chains, and tell what the pool may have done to it and to the levers' gains."""
    line = compute_means([(curve, noise.curve)])[0]
    line = BootstrapSamples.from_draws(line.point, line.draws + sample_pool_noise([curve], budgets, noise.curve_pool))
    differences = [scores - replicates[BASELINE] for scores in replicates.values()]
    pool_noise = dict(zip(replicates, sample_pool_noise(differences, budgets, noise.levers_pool).T, strict=True))
    return Scores(budgets, line, replicates, pool_noise, curve, noise)


def _tabulate(scores: Mapping[Key, Floats], budgets: tuple[int, ...]) -> dict[LeverSet, ReplicateScores]:
    """Lay cells out by lever set: chains in order of their number, NaN where a cell is missing."""
    rows = {budget: i for i, budget in enumerate(budgets)}
    columns = {replicate: i for i, replicate in enumerate(sorted({replicate for _, _, replicate in scores}))}
    shape = (len(next(iter(scores.values()))), len(rows), len(columns))
    tables = {levers: np.full(shape, np.nan) for levers in sorted({levers for _, levers, _ in scores})}
    for (budget, levers, replicate), score in scores.items():
        tables[levers][:, rows[budget], columns[replicate]] = score
    return {levers: ReplicateScores(table[0], table[1:]) for levers, table in tables.items()}
