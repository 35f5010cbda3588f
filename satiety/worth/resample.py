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
class BootstrapSamples:
    """Quantities as measured and as they might have been. What is done to the rows is done to both."""

    rows: Floats
    """What was measured, then its draws; shape (1 + resamples, …)."""

    @classmethod
    def from_draws(cls, point: ArrayLike, draws: Floats) -> BootstrapSamples:
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

    def __sub__(self, subtrahend: BootstrapSamples) -> BootstrapSamples:
        """Return the difference, draw by draw: what both have in common cancels."""
        return BootstrapSamples(self.rows - subtrahend.rows)

    def __getitem__(self, position: int | list[int]) -> BootstrapSamples:
        """Return one of the quantities, or some."""
        return BootstrapSamples(self.rows[:, position])

    @property
    def spread(self) -> float:
        """Of a single quantity's draws: half of what the middle 68 % of them span, for Student's t has long tails."""
        low, high = np.quantile(self.draws, [0.16, 0.84])
        return float(high - low) / 2

    def interval(self, confidence_level: float) -> Interval:
        """Return the interval of a single quantity: percentiles of its draws."""
        low, high = np.quantile(self.draws, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
        return Interval(float(self.point), float(low), float(high))


@dataclass(frozen=True, slots=True)
class ReplicateScores:
    """The scores of one lever set in each chain; NaN where a chain was not measured."""

    point: Floats
    """On the test set as it is; shape (budgets, chains)."""
    draws: Floats
    """On its resamples; shape (resamples, budgets, chains)."""

    def __sub__(self, subtrahend: ReplicateScores) -> ReplicateScores:
        """Return the differences within each chain; NaN where either was not measured."""
        return ReplicateScores(self.point - subtrahend.point, self.draws - subtrahend.draws)

    @classmethod
    def stack(cls, groups: Iterable[ReplicateScores]) -> ReplicateScores:
        """Return lever sets' scores as one, as if each had budgets of its own."""
        points, draws = zip(*((scores.point, scores.draws) for scores in groups), strict=True)
        return cls(np.concatenate(points), np.concatenate(draws, axis=1))

    def mask(self, is_kept: NDArray[np.bool_]) -> ReplicateScores:
        """Return the same with NaN for what is not kept, shape (budgets, chains)."""
        return ReplicateScores(np.where(is_kept, self.point, np.nan), np.where(is_kept, self.draws, np.nan))

    def average_budgets(self) -> ReplicateScores:
        """Return each chain's mean over the budgets that any was measured at, as if it were the one budget there is."""
        rows = np.isfinite(self.point).any(axis=1)
        return ReplicateScores(self.point[rows].mean(axis=0)[None], self.draws[:, rows].mean(axis=1)[:, None])


@dataclass(frozen=True, slots=True)
class BootstrapNoise:
    """What chance may have done to a group of chains: standard normal numbers, each of shape (resamples, chains)."""

    multipliers: Floats
    """How far the chain pulled the mean its way."""
    scale: Floats
    """The first n of them, squared and summed, make the chi-square of n degrees of freedom."""

    @classmethod
    def sample(cls, seed: tuple[int, ...], resamples: int, replicates: int) -> BootstrapNoise:
        """Draw the numbers of a group. A group that grows keeps those of its first chains."""
        multipliers, scale = np.random.default_rng(seed).standard_normal((replicates, 2, resamples)).transpose(1, 2, 0)
        return cls(multipliers, scale)


def compute_means(groups: Sequence[tuple[ReplicateScores, BootstrapNoise]]) -> list[BootstrapSamples]:
    """Return each group's means over the chains that were measured, shape (budgets,); NaN where none was.

    One chain says nothing of how chains differ: then the draws hold the test set's luck alone.

    Args:
        groups: chains that share a luck, and that luck. Groups have nothing in common but the test examples.
    """
    tests = _sample_test_noise([replicates for replicates, _ in groups])
    group_means = []
    for (replicates, noise), test in zip(groups, tests, strict=True):
        is_measured = np.isfinite(replicates.point)
        count = is_measured.sum(axis=1)
        center = np.where(count, np.where(is_measured, replicates.point, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
        deviations = np.where(is_measured, replicates.point - center[:, None], 0)
        group_means.append(
            BootstrapSamples.from_draws(center, center + test + _sample_replicate_noise(deviations, count, noise))
        )
    return group_means


def _sample_replicate_noise(deviations: Floats, count: Floats, noise: BootstrapNoise) -> Floats:
    """Return what the draw of chains may have done to the means: t · s / √chains, shape (resamples, budgets).

    Args:
        deviations: of the chains from their mean, 0 where there is none; shape (budgets, chains).
        count: chains measured, shape (budgets,).
        noise: of the chains.
    """
    chi_square = np.cumsum(np.square(noise.scale), axis=1)[:, np.maximum(count - 2, 0)]
    return np.asarray(noise.multipliers @ deviations.T / np.sqrt(chi_square * np.maximum(count, 1)))


def _sample_test_noise(groups: Sequence[ReplicateScores]) -> list[Floats]:
    """Return what the test examples may have done to the means, each group's of shape (resamples, budgets).

    The means' own draws say that, but hold what examples did to single chains as well; how much, the chains' draws tell
    by going apart. So the draws are mapped to the covariance that is left without it.
    """
    draws, covariances = zip(*(_split_test_noise(replicates) for replicates in groups), strict=True)
    edges = np.cumsum([len(covariance) for covariance in covariances])
    block = np.zeros((edges[-1], edges[-1]))
    for end, covariance in zip(edges, covariances, strict=True):
        block[end - len(covariance) : end, end - len(covariance) : end] = covariance
    return np.split(_remove_covariance(np.concatenate(draws, axis=1), block), edges[:-1], axis=1)


def _split_test_noise(replicates: ReplicateScores) -> tuple[Floats, Floats]:
    """Return the means' draws around 0, (resamples, budgets), and the covariance single chains add to them."""
    is_measured = np.isfinite(replicates.point)
    count = np.maximum(is_measured.sum(axis=1), 1)
    shared = (is_measured[:, None] & is_measured).sum(axis=2)
    filled = np.where(is_measured, replicates.draws - replicates.draws.mean(axis=0), 0)
    mean_draws = filled.sum(axis=2) / count
    deviations = np.where(is_measured, filled - mean_draws[..., None], 0)
    covariance = np.tensordot(deviations, deviations, axes=([0, 2], [0, 2])) / len(mean_draws)
    return mean_draws, covariance * (shared > 1) * shared / (np.maximum(shared - 1, 1) * np.outer(count, count))


def _remove_covariance(draws: Floats, covariance: Floats) -> Floats:
    """Map draws around 0, shape (resamples, quantities), to their covariance less ``covariance``."""
    values, vectors = np.linalg.eigh(draws.T @ draws / len(draws))
    is_positive = values > 1e-12 * values.max(initial=0.0)
    roots, axes = np.sqrt(values[is_positive]), vectors[:, is_positive]
    shares, rotation = np.linalg.eigh((axes / roots).T @ covariance @ (axes / roots))
    shrinkage = (rotation * np.sqrt(np.clip(1 - shares, 0, None))) @ rotation.T
    return np.asarray(draws @ ((axes / roots) @ shrinkage @ (axes * roots).T))
