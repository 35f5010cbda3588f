"""Tallies of cells -> scores of lever sets at budgets, resampled: all that the rest of the meter looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from satiety.errors import DataError
from satiety.evaluate.bootstrap import weights
from satiety.worth.pool import pool_luck
from satiety.worth.resample import Chains, Drawn, Luck, means

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Groups, Resampling, Score
    from satiety.problems.base import Floats

LeverSet = tuple[str, ...]
"""Names of levers, sorted; () is *plain*."""
Key = tuple[int, LeverSet, int]
"""Of a cell: its budget, lever set and chain."""
PLAIN: LeverSet = ()


@dataclass(frozen=True, slots=True)
class Lucks:
    """What chance may have done to the levers' chains and to the curve's, and what the pool did to either."""

    levers: Luck
    curve: Luck
    levers_pool: Luck
    curve_pool: Luck


@dataclass(frozen=True, slots=True)
class Scores:
    """What all cells say, resampled. Intervals are for labels drawn anew: the pool's luck is in every draw."""

    budgets: tuple[int, ...]
    """Ascending; may begin with 0."""
    curve: Drawn
    """What a learning curve of plain is fitted to: its mean scores over the curve's chains; shape (budgets,)."""
    chains: dict[LeverSet, Chains]
    """The levers' chains one by one, for differences within a chain."""
    pool: dict[LeverSet, Floats]
    """Of each lever set what the pool may have done to its gain over plain, at all budgets; shape (resamples,)."""
    curve_chains: Chains
    """The curve's chains, which no lever saw."""
    lucks: Lucks

    def mean(self, levers: LeverSet) -> Floats:
        """Return the mean score over the chains of a lever set, shape (budgets,); NaN where it was not measured."""
        return means([(self.chains[levers], self.lucks.levers)])[0].point

    def at_hand(self, sets: Collection[LeverSet]) -> Scores:
        """Return the scores without the pool's luck in what these lever sets add: told of the labels at hand."""
        pool = {levers: 0 * drawn if levers in sets else drawn for levers, drawn in self.pool.items()}
        return replace(self, pool=pool)

    def common(self, sets: Collection[LeverSet]) -> Scores:
        """Return the scores of these lever sets over the chains that have them all."""
        measured = reduce(np.logical_and, (np.isfinite(self.chains[levers].point) for levers in sets))
        chains = {levers: self.chains[levers].where(measured) for levers in sets}
        return _summarise(self.budgets, chains, self.curve_chains, self.lucks)


class Ruler:
    """Measures cells, all on the same resamples of the test set, and each but once."""

    def __init__(self, score: Score, headline: str, groups: Groups, how: Resampling) -> None:
        """Prepare to measure.

        Args:
            score: ``Problem.score``.
            headline: the metric that is the score.
            groups: of the test examples.
            how: seed and number of resamples.
        """
        self._scored, self._headline, self._groups, self._how = score, headline, groups, how
        self._weights: Floats | None = None
        self._known: tuple[dict[Key, Floats], dict[Key, Floats]] = ({}, {})

    def read(self, cells: Iterable[tuple[Key, Floats]], curve: Iterable[tuple[Key, Floats]]) -> Scores:
        """Return every mean score and its draws. Cells are taken one by one: not all tallies need be in memory at once.

        Args:
            cells: of the levers' chains, plain among them: tallies on the test examples, shape (examples, counts), in
                the same order of examples in every cell. A cell that was read before is not measured again.
            curve: of the curve's chains: plain alone.

        Raises:
            DataError: there are no cells, or they were tallied on different test sets.
        """
        levers, plain = (self._scores(group, known) for group, known in zip((cells, curve), self._known, strict=True))
        if not levers or not plain:
            raise DataError("worth: there is no cell to measure; give `worth` budgets, and chains for levers and curve")
        budgets = tuple(sorted({key[0] for key in (*levers, *plain)}))
        counts = [len({chain for _, _, chain in group}) for group in (levers, plain)]
        seed, resamples = self._how.seed, self._how.resamples
        ours, curves = (Luck.of((seed, group), resamples, count) for group, count in enumerate(counts))
        tables = _tables(levers, budgets)
        pools = (Luck.of((seed, group), resamples, max(len(tables), *counts)) for group in (2, 3))
        return _summarise(budgets, tables, _tables(plain, budgets)[PLAIN], Lucks(ours, curves, *pools))

    def _scores(self, cells: Iterable[tuple[Key, Floats]], known: dict[Key, Floats]) -> dict[Key, Floats]:
        """Return each cell's score as it is, then on the resamples; shape (1 + resamples,)."""
        return {key: known[key] if key in known else known.setdefault(key, self._score(tally)) for key, tally in cells}

    def _score(self, tallies: Floats) -> Floats:
        count = len(tallies)
        if not count:
            raise DataError("worth: there is no test example, so nothing to measure")
        if count != len(self._groups):
            raise DataError(
                f"worth: cells must share one test set; it has {len(self._groups)} examples, a cell {count}"
            )
        if self._weights is None:
            self._weights = np.concatenate([np.ones((1, len(self._groups))), *weights(self._groups, self._how)])
        found = self._scored(tallies.astype(np.float64, copy=False), self._weights)
        return np.asarray(found[self._headline], dtype=np.float64)


def resample(
    score: Score,
    headline: str,
    cells: Iterable[tuple[Key, Floats]],
    curve: Iterable[tuple[Key, Floats]],
    groups: Groups,
    how: Resampling,
) -> Scores:
    """Return what a new :class:`Ruler` reads; who looks again and again as cells come in keeps one."""
    return Ruler(score, headline, groups, how).read(cells, curve)


def gain(scores: Scores, levers: LeverSet, over: LeverSet = PLAIN) -> Drawn:
    """Return what ``levers`` add to ``over`` at each budget, within the chains that have both."""
    added = means([(scores.chains[levers] - scores.chains[over], scores.lucks.levers)])[0]
    return Drawn.of(added.point, added.draws + (scores.pool[levers] - scores.pool[over])[:, None])


def _summarise(budgets: tuple[int, ...], chains: dict[LeverSet, Chains], curve: Chains, lucks: Lucks) -> Scores:
    """Take the mean of the curve's chains, and tell what the pool may have done to it and to the levers' gains."""
    line = means([(curve, lucks.curve)])[0]
    line = Drawn.of(line.point, line.draws + pool_luck([curve], budgets, lucks.curve_pool))
    differences = [one - chains[PLAIN] for one in chains.values()]
    pool = dict(zip(chains, pool_luck(differences, budgets, lucks.levers_pool).T, strict=True))
    return Scores(budgets, line, chains, pool, curve, lucks)


def _tables(scores: Mapping[Key, Floats], budgets: tuple[int, ...]) -> dict[LeverSet, Chains]:
    """Lay cells out by lever set: chains in order of their number, NaN where a cell is missing."""
    rows = {budget: i for i, budget in enumerate(budgets)}
    columns = {chain: i for i, chain in enumerate(sorted({chain for _, _, chain in scores}))}
    shape = (len(next(iter(scores.values()))), len(rows), len(columns))
    tables = {levers: np.full(shape, np.nan) for levers in sorted({levers for _, levers, _ in scores})}
    for (budget, levers, chain), score in scores.items():
        tables[levers][:, rows[budget], columns[chain]] = score
    return {levers: Chains(table[0], table[1:]) for levers, table in tables.items()}
