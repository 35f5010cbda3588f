"""Tallies of cells -> scores of lever sets at budgets, resampled: all that the rest of the meter looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from satiety.errors import DataError
from satiety.evaluate.bootstrap import weights
from satiety.worth.resample import Chains, Drawn, Luck, means

if TYPE_CHECKING:
    from satiety.evaluate.bootstrap import Measure, Resampling
    from satiety.problems.base import Floats

LeverSet = tuple[str, ...]
"""Names of levers, sorted; () is *plain*."""
Key = tuple[int, LeverSet, int]
"""Of a cell: its budget, lever set and chain."""
PLAIN: LeverSet = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """What all cells say, resampled."""

    budgets: tuple[int, ...]
    """Ascending; may begin with 0."""
    point: dict[LeverSet, Floats]
    """Mean score over the chains, shape (budgets,); NaN where not measured."""
    draws: dict[LeverSet, Floats]
    """The same as it might have been, shape (resamples, budgets)."""
    curve_point: Floats
    """Of plain over the curve's chains, which no lever saw; shape (budgets,)."""
    curve_draws: Floats
    """Shape (resamples, budgets)."""
    chains: dict[LeverSet, Chains]
    """The levers' chains one by one, for differences within a chain."""
    curve_chains: Chains
    """The curve's."""
    lucks: tuple[Luck, Luck]
    """Of the levers' chains, and of the curve's."""

    @property
    def curve(self) -> Drawn:
        """What a learning curve of plain is fitted to; shape (budgets,)."""
        return Drawn.of(self.curve_point, self.curve_draws)

    def of(self, levers: LeverSet) -> Drawn:
        """Return the scores of a lever set, shape (budgets,)."""
        return Drawn.of(self.point[levers], self.draws[levers])

    def at(self, levers: LeverSet, budget: int) -> Drawn:
        """Return its score at one budget."""
        return self.of(levers)[self.budgets.index(budget)]

    def common(self, sets: Collection[LeverSet]) -> Scores:
        """Return the scores of these lever sets over the chains that have them all."""
        measured = reduce(np.logical_and, (np.isfinite(self.chains[levers].point) for levers in sets))
        chains = {levers: self.chains[levers].where(measured) for levers in sets}
        return _summarise(self.budgets, chains, self.curve_chains, self.lucks)


class Ruler:
    """Measures cells, all on the same resamples of the test set, and each but once."""

    def __init__(self, measure: Measure, headline: str, how: Resampling) -> None:
        """Take ``Problem.measure``, the metric that is the score, and the seed and number of resamples."""
        self._measure, self._headline, self._how = measure, headline, how
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
        counts = (len({chain for _, _, chain in group}) for group in (levers, plain))
        seed, resamples = self._how.seed, self._how.resamples
        ours, curves = (Luck.of((seed, group), resamples, count) for group, count in enumerate(counts))
        return _summarise(budgets, _tables(levers, budgets), _tables(plain, budgets)[PLAIN], (ours, curves))

    def _scores(self, cells: Iterable[tuple[Key, Floats]], known: dict[Key, Floats]) -> dict[Key, Floats]:
        """Return each cell's score as it is, then on the resamples; shape (1 + resamples,)."""
        return {key: known[key] if key in known else known.setdefault(key, self._score(tally)) for key, tally in cells}

    def _score(self, tallies: Floats) -> Floats:
        count = len(tallies)
        if self._weights is None:
            if not count:
                raise DataError("worth: there is no test example, so nothing to measure")
            self._weights = np.concatenate([np.ones((1, count)), *weights(count, self._how)])
        if count != self._weights.shape[1]:
            raise DataError(
                f"worth: cells must share one test set; one has {self._weights.shape[1]} examples, another {count}"
            )
        sums = self._weights @ tallies.astype(np.float64, copy=False)
        return np.asarray(self._measure(sums)[self._headline], dtype=np.float64)


def resample(
    measure: Measure,
    headline: str,
    cells: Iterable[tuple[Key, Floats]],
    curve: Iterable[tuple[Key, Floats]],
    how: Resampling,
) -> Scores:
    """Return what a new :class:`Ruler` reads; who looks again and again as cells come in keeps one."""
    return Ruler(measure, headline, how).read(cells, curve)


def gain(scores: Scores, levers: LeverSet, over: LeverSet = PLAIN) -> Drawn:
    """Return what ``levers`` add to ``over`` at each budget, within the chains that have both."""
    return means([(scores.chains[levers] - scores.chains[over], scores.lucks[0])])[0]


def _summarise(
    budgets: tuple[int, ...], chains: dict[LeverSet, Chains], curve: Chains, lucks: tuple[Luck, Luck]
) -> Scores:
    """Take the means of all chains at once, for the test examples are common to all."""
    ours, line = means([(Chains.stack(chains.values()), lucks[0]), (curve, lucks[1])])
    places = {levers: slice(i * len(budgets), (i + 1) * len(budgets)) for i, levers in enumerate(chains)}
    points = {levers: ours.point[place] for levers, place in places.items()}
    draws = {levers: ours.draws[:, place] for levers, place in places.items()}
    return Scores(budgets, points, draws, line.point, line.draws, chains, curve, lucks)


def _tables(scores: Mapping[Key, Floats], budgets: tuple[int, ...]) -> dict[LeverSet, Chains]:
    """Lay cells out by lever set: chains in order of their number, NaN where a cell is missing."""
    rows = {budget: i for i, budget in enumerate(budgets)}
    columns = {chain: i for i, chain in enumerate(sorted({chain for _, _, chain in scores}))}
    shape = (len(next(iter(scores.values()))), len(rows), len(columns))
    tables = {levers: np.full(shape, np.nan) for levers in sorted({levers for _, levers, _ in scores})}
    for (budget, levers, chain), score in scores.items():
        tables[levers][:, rows[budget], columns[chain]] = score
    return {levers: Chains(table[0], table[1:]) for levers, table in tables.items()}
