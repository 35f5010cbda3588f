"""Counts, window after window -> how many the next one should have, and how far it may be off. Only the past is known.

The expectation is the season's (`season.py`) times a level that follows the last days. How far counts lie from it by
more than chance is estimated from the errors of the expectations themselves, each made before its window came. So it
covers the errors of seasons and levels, too.

Past surges do not become normal: a count that one window in ``1 / outlier`` would have is taken for just so many by
season and level, which therefore still follow a lasting change; and how far counts are off is learned without it.

Sources: level with discounted past, gamma-Poisson: Harvey & Fernandes 1989, Journal of Business & Economic Statistics
7:407; outliers pulled in before they are learned from: Gelper, Fried & Croux 2010, Journal of Forecasting 29:285.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from examples.opinion_monitoring.stream.season import fit_week
from examples.opinion_monitoring.stream.tail import find_limit, heaviness, negative_binomial_chance

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from examples.opinion_monitoring.stream.section import BaselineParams
    from satiety.problems.base import Floats

DAYS, MINUTES = 7, 1440


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What a window should have; each of shape (columns,)."""

    mean: Floats
    dispersion: Floats
    """The variance is mean + dispersion · mean²."""
    heaviness: Floats
    """Of the upper tail: 1 is the negative binomial's."""

    def times(self, growth: Floats) -> Expected:
        """Return what is expected where all grows so."""
        return Expected(self.mean * growth, self.dispersion, self.heaviness)

    def part(self, first: int, columns: int) -> Expected:
        """Return that of some columns."""
        return Expected(*(array[first : first + columns] for array in (self.mean, self.dispersion, self.heaviness)))


class Baseline:
    """The counts of some weeks, and what is expected of the next window. Memory does not grow with the stream."""

    def __init__(self, columns: int, day: int, params: BaselineParams) -> None:
        """Begin without a past.

        Args:
            columns: counts of a window.
            day: windows a day.
            params: how to learn.
        """
        self.params, self.day, self.num_windows = params, day, 0
        self._fade = 0.5 ** (1 / params.memory)
        shape = (params.history, DAYS, day, columns)
        self._counts, self._normal = np.zeros((2, *shape))
        self._means = np.full(shape, np.nan)
        self._growth = np.ones(shape)
        self._odd = np.zeros(shape, dtype=bool)
        self._when = np.full(shape[:-1], -1)
        self._week = -1
        self._season: Floats = np.ones(shape[1:])
        self._spread: Floats = np.stack([np.zeros(columns), np.ones(columns)])
        self._sums: Floats = np.zeros((2, columns))

    @property
    def is_ready(self) -> bool:
        """Whether there is history enough to judge by."""
        return self.num_windows >= self.params.learning * DAYS * self.day

    @property
    def is_reliable(self) -> bool:
        """Whether expectations are a guide already: of their errors is learned from here on."""
        return self.num_windows >= self.params.learning * DAYS * self.day // 2

    def forecast(self, start: datetime) -> Expected:
        """Return what is expected of the window that starts then; ``start`` is in the stream's time zone."""
        _, weekday, time = self._place(start)
        observed, foreseen = self._sums + self.params.strength
        return Expected(self._season[weekday, time] * observed / foreseen, *self._spread)

    def learn(self, start: datetime, counts: Floats, growth: Floats) -> None:
        """Take a window into the past.

        Args:
            start: in the stream's time zone.
            counts: shape (columns,).
            growth: by which what was expected is multiplied, for reasons outside of these counts; shape (columns,).
        """
        place, likely = self._place(start), self.forecast(start).times(growth)
        if place[0] != self._week:
            self._week, self._when[place[0]] = place[0], -1  # what was there is `history` weeks old
        usual = (
            np.minimum(counts, np.maximum(1, find_limit(likely, self.params.outlier))) if self.is_reliable else counts
        )
        self._counts[place], self._normal[place], self._when[place] = counts, usual / growth, self.num_windows
        self._odd[place], self._growth[place] = counts > usual, growth
        self._means[place] = likely.mean if self.is_reliable else np.nan
        self._sums = self._sums * self._fade + np.stack([self._normal[place], self._season[place[1:]]])
        self.num_windows += 1
        if self.num_windows % self.day == 0:
            self._fit()

    def _place(self, start: datetime) -> tuple[int, int, int]:
        week = (start.toordinal() - 1) // DAYS  # day 1 was a Monday
        return week % self.params.history, start.weekday(), (start.hour * 60 + start.minute) * self.day // MINUTES

    def _fit(self) -> None:
        """Learn season, level and spread anew, of all that is remembered."""
        has_data = self._when >= 0
        self._season = fit_week(self._normal, has_data, self.params.strength)
        faded = np.where(has_data, self._fade ** (self.num_windows - 1 - self._when), 0)
        foreseen = np.broadcast_to(self._season, self._normal.shape)
        self._sums = np.stack([np.einsum("wdt,wdtc->c", faded, array) for array in (self._normal, foreseen)])
        self._spread = self._estimate_tail(has_data & ~np.isnan(self._means[..., 0]))

    def _estimate_tail(self, foreseen: NDArray[np.bool_]) -> Floats:
        """Return dispersion and heaviness, shape (2, columns), of the windows that were foreseen.

        The dispersion is that of moments: the squared errors beyond Poisson's, in squared means; a window of growth
        weighs as it would without.
        """
        counts, means, weight = self._counts[foreseen], self._means[foreseen], self._growth[foreseen] ** -2
        weight *= ~self._odd[foreseen]
        beyond, squares = ((array * weight).sum(axis=0) for array in ((counts - means) ** 2 - means, means**2))
        dispersion = np.maximum(0, beyond / np.maximum(squares, 1))
        chances = negative_binomial_chance(counts, means, dispersion)
        return np.stack([dispersion, heaviness(chances, self.params.outlier, self.params.strength)])
