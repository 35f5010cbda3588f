"""Scores of chains, on the test set as drawn and as drawn anew -> their mean, with what chance may have done to it.

Two things are left to chance. Which examples are in the test set: every score is measured on the same resamples of it
(:func:`satiety.evaluate.bootstrap.weights`), so whatever is compared is compared on the same examples. And which labels
were drawn: a chain. For chains whose scores are normal, the mean is known up to Student's t with chains − 1 degrees of
freedom, exactly and however few they are. A draw is therefore mean + t · s / √chains, written as a sum over the chains
that has one multiplier per chain (the multiplier bootstrap), scaled by one chi-square. Multipliers belong to the chain:
all lever sets and budgets of a chain share them, so that what its labels did to all of them stays paired.

Every example meets every chain: their luck is crossed. What is peculiar to one example in one chain would be counted in
both parts, and where both are drawn anew at once three times; no resampling gets it right (McCullagh 2000). Here the
chains keep it, for there Student's t is exact. How much of the test part it is, the draws of the single chains tell, by
going apart; and the test part is mapped to the covariance that is left, for all means at once, so that it is right for
whatever is made of them: differences, curves, labels.

Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap; Student's t as the posterior of a normal mean: Gelman
et al. 2013, Bayesian Data Analysis, section 3.2; multipliers: van der Vaart & Wellner 1996, section 2.9; crossed luck:
McCullagh 2000, Bernoulli 6:285-301, and Owen & Eckles 2012, arXiv:1106.2125.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from satiety.problems.base import Floats


@dataclass(frozen=True, slots=True)
class Drawn:
    """Quantities as measured and as they might have been. What is done to the rows is done to both."""

    rows: Floats
    """What was measured, then its draws; shape (1 + resamples, …)."""

    @classmethod
    def of(cls, point: ArrayLike, draws: Floats) -> Drawn:
        """Put together what was measured, shape (…), and its draws, shape (resamples, …)."""
        return cls(np.concatenate([np.asarray(point, dtype=np.float64)[None], draws]))

    @property
    def point(self) -> Floats:
        """What was measured, shape (…)."""
        return np.asarray(self.rows[0])

    @property
    def draws(self) -> Floats:
        """What might have been, shape (resamples, …)."""
        return self.rows[1:]

    def __sub__(self, other: Drawn) -> Drawn:
        """Return the difference, draw by draw: what both have in common cancels."""
        return Drawn(self.rows - other.rows)

    def __getitem__(self, place: int | list[int]) -> Drawn:
        """Return one of the quantities, or some."""
        return Drawn(self.rows[:, place])

    @property
    def spread(self) -> float:
        """Of a single quantity's draws: half of what the middle 68 % of them span, for Student's t has long tails."""
        low, high = np.quantile(self.draws, [0.16, 0.84])
        return float(high - low) / 2

    def interval(self, level: float) -> Interval:
        """Return the interval of a single quantity: percentiles of its draws."""
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(self.point), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Chains:
    """The scores of one lever set in each chain; NaN where a chain was not measured."""

    point: Floats
    """On the test set as it is; shape (budgets, chains)."""
    draws: Floats
    """On its resamples; shape (resamples, budgets, chains)."""

    def __sub__(self, other: Chains) -> Chains:
        """Return the differences within each chain; NaN where either was not measured."""
        return Chains(self.point - other.point, self.draws - other.draws)

    @classmethod
    def stack(cls, several: Iterable[Chains]) -> Chains:
        """Return lever sets' scores as one, as if each had budgets of its own."""
        points, draws = zip(*((one.point, one.draws) for one in several), strict=True)
        return cls(np.concatenate(points), np.concatenate(draws, axis=1))

    def where(self, kept: NDArray[np.bool_]) -> Chains:
        """Return the same with NaN for what is not kept, shape (budgets, chains)."""
        return Chains(np.where(kept, self.point, np.nan), np.where(kept, self.draws, np.nan))

    def pooled(self) -> Chains:
        """Return each chain's mean over the budgets that any was measured at, as if it were the one budget there is."""
        rows = np.isfinite(self.point).any(axis=1)
        return Chains(self.point[rows].mean(axis=0)[None], self.draws[:, rows].mean(axis=1)[:, None])


@dataclass(frozen=True, slots=True)
class Luck:
    """What chance may have done to a group of chains: standard normal numbers, each of shape (resamples, chains)."""

    tilt: Floats
    """How far the chain pulled the mean its way."""
    scale: Floats
    """The first n of them, squared and summed, make the chi-square of n degrees of freedom."""

    @classmethod
    def of(cls, seed: tuple[int, ...], resamples: int, chains: int) -> Luck:
        """Draw the numbers of a group. A group that grows keeps those of its first chains."""
        tilt, scale = np.random.default_rng(seed).standard_normal((chains, 2, resamples)).transpose(1, 2, 0)
        return cls(tilt, scale)


def means(groups: Sequence[tuple[Chains, Luck]]) -> list[Drawn]:
    """Return each group's means over the chains that were measured, shape (budgets,); NaN where none was.

    One chain says nothing of how chains differ: then the draws hold the test set's luck alone.

    Args:
        groups: chains that share a luck, and that luck. Groups have nothing in common but the test examples.
    """
    tests = _test_luck([chains for chains, _ in groups])
    found = []
    for (chains, luck), test in zip(groups, tests, strict=True):
        have = np.isfinite(chains.point)
        count = have.sum(axis=1)
        center = np.where(count, np.where(have, chains.point, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
        deviations = np.where(have, chains.point - center[:, None], 0)
        found.append(Drawn.of(center, center + test + _chain_luck(deviations, count, luck)))
    return found


def _chain_luck(deviations: Floats, count: Floats, luck: Luck) -> Floats:
    """Return what the draw of chains may have done to the means: t · s / √chains, shape (resamples, budgets).

    Args:
        deviations: of the chains from their mean, 0 where there is none; shape (budgets, chains).
        count: chains measured, shape (budgets,).
        luck: of the chains.
    """
    chi_square = np.cumsum(np.square(luck.scale), axis=1)[:, np.maximum(count - 2, 0)]
    return np.asarray(luck.tilt @ deviations.T / np.sqrt(chi_square * np.maximum(count, 1)))


def _test_luck(groups: Sequence[Chains]) -> list[Floats]:
    """Return what the test examples may have done to the means, each group's of shape (resamples, budgets).

    The means' own draws say that, but hold what examples did to single chains as well; how much, the chains' draws tell
    by going apart. So the draws are mapped to the covariance that is left without it.
    """
    drawn, single = zip(*(_test_parts(chains) for chains in groups), strict=True)
    edges = np.cumsum([len(one) for one in single])
    block = np.zeros((edges[-1], edges[-1]))
    for end, one in zip(edges, single, strict=True):
        block[end - len(one) : end, end - len(one) : end] = one
    return np.split(_without(np.concatenate(drawn, axis=1), block), edges[:-1], axis=1)


def _test_parts(chains: Chains) -> tuple[Floats, Floats]:
    """Return the means' draws around 0, (resamples, budgets), and the covariance single chains add to them."""
    have = np.isfinite(chains.point)
    count = np.maximum(have.sum(axis=1), 1)
    shared = (have[:, None] & have).sum(axis=2)
    filled = np.where(have, chains.draws - chains.draws.mean(axis=0), 0)
    drawn = filled.sum(axis=2) / count
    apart = np.where(have, filled - drawn[..., None], 0)
    covariance = np.tensordot(apart, apart, axes=([0, 2], [0, 2])) / len(drawn)
    return drawn, covariance * (shared > 1) * shared / (np.maximum(shared - 1, 1) * np.outer(count, count))


def _without(draws: Floats, single: Floats) -> Floats:
    """Map draws around 0, shape (resamples, quantities), to their covariance less ``single``."""
    values, vectors = np.linalg.eigh(draws.T @ draws / len(draws))
    kept = values > 1e-12 * values.max(initial=0.0)
    roots, axes = np.sqrt(values[kept]), vectors[:, kept]
    shares, turn = np.linalg.eigh((axes / roots).T @ single @ (axes / roots))
    left = (turn * np.sqrt(np.clip(1 - shares, 0, None))) @ turn.T
    return np.asarray(draws @ ((axes / roots) @ left @ (axes * roots).T))
