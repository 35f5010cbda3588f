"""Tallies of test examples -> metrics with intervals, and the paired difference of two systems.

A resample of the test set is a row of multinomial weights; weights @ tallies are its summed counts, and the problem's
``measure`` makes metrics of them. So every metric of every problem comes from one matrix product, and both systems of a
comparison are measured on the same resamples. Counts are whole numbers, so the sums are exact whatever the threads.

Intervals are percentiles. In a simulation (macro-F1, three classes, one of them with a tenth of the texts, 95 %) they
held the true value as often as BCa's at 200 and 2,000 test texts (.91 to .96), and the true difference more often at
50 texts (.92 against .88); basic intervals leave [0, 1]. A class with a handful of test texts is too few for any of the
three (.85 at five texts): its intervals are too narrow.

Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13; paired on one test set: Koehn 2004,
W04-3250; Berg-Kirkpatrick et al. 2012, D12-1091.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.errors import DataError

if TYPE_CHECKING:
    from satiety.problems.base import Floats

    Measure = Callable[[Floats], Mapping[str, Floats]]
    """Summed counts, shape (..., counts) -> metrics, each of shape (...)."""

CELLS = 2**22
"""Weights drawn at once: bounds memory, never changes a result."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value, and where the truth lies at the level asked for."""

    value: float
    low: float
    high: float

    def rounded(self) -> dict[str, float]:
        """Return ``{value, low, high}`` with six decimals, for a report."""
        return {name: round(getattr(self, name), 6) + 0.0 for name in ("value", "low", "high")}


@dataclass(frozen=True, slots=True)
class Resampling:
    """How the test set is drawn anew."""

    seed: int
    resamples: int
    level: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same examples: each metric of the first, of the second, and second − first."""

    first: dict[str, Interval]
    second: dict[str, Interval]
    difference: dict[str, Interval]


def intervals(measure: Measure, tallies: Floats, how: Resampling) -> dict[str, Interval]:
    """Return every metric of one system with its interval.

    Args:
        measure: ``Problem.measure``.
        tallies: one row of counts per example, shape (examples, counts).
        how: seed, number of resamples, level.

    Raises:
        DataError: there is no example.
    """
    values, draws = _measured(measure, tallies, how)
    return {name: _interval(values[name], draws[name], how.level) for name in values}


def compare(measure: Measure, first: Floats, second: Floats, how: Resampling) -> Comparison:
    """Return every metric of two systems and of their difference, all on the same resamples.

    Args:
        measure: ``Problem.measure``.
        first: tallies of the first system, shape (examples, counts).
        second: those of the second, row for row on the same examples.
        how: seed, number of resamples, level.

    Raises:
        DataError: there is no example, or the systems did not answer the same ones.
    """
    if first.shape != second.shape:
        raise DataError(f"bootstrap: a pair needs the same examples; there are {len(first)} and {len(second)}")
    values, draws = _measured(measure, np.stack([first, second], axis=1), how)
    difference = {
        name: _interval(values[name][1] - values[name][0], draws[name][:, 1] - draws[name][:, 0], how.level)
        for name in values
    }
    one, two = ({name: _interval(values[name][i], draws[name][:, i], how.level) for name in values} for i in (0, 1))
    return Comparison(one, two, difference)


def _measured(measure: Measure, tallies: Floats, how: Resampling) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the metrics of ``tallies``, shape (examples, …, counts), and those of its resamples, stacked."""
    count = len(tallies)
    if not count:
        raise DataError("bootstrap: there is no test example, so nothing to measure; give `ingest.test` more than none")
    flat = np.ascontiguousarray(tallies.reshape(count, -1), dtype=np.float64)
    sums = np.concatenate([drawn @ flat for drawn in weights(count, how)])
    values, draws = measure(tallies.sum(axis=0)), measure(sums.reshape(-1, *tallies.shape[1:]))
    return {name: np.asarray(value) for name, value in values.items()}, dict(draws)


def weights(count: int, how: Resampling) -> Iterator[Floats]:
    """Yield how often each of ``count`` examples is drawn in each resample: blocks of shape (resamples, count)."""
    rng, left = np.random.default_rng(how.seed), how.resamples
    while left:
        rows = min(left, max(1, CELLS // count))
        drawn = rng.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        left -= rows


def _interval(value: Floats, draws: Floats, level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))
