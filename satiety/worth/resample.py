"""Scores of replicates on the test set and its resamples -> means with sampling noise.

Scores vary for two reasons.

1. The test set. All scores use the same resamples of it (:func:`satiety.evaluate.bootstrap.draw_weights`), so
   comparisons are paired.
2. The labels, which differ between replicates. For normal scores the mean follows Student's t with replicates - 1
   degrees of freedom, exactly and for any number of replicates. A sample is mean + t s / sqrt(replicates), computed
   with one multiplier per replicate (multiplier bootstrap) and one chi-square. All lever sets and budgets of a
   replicate share its multiplier, so the effect of its labels stays paired.

Every replicate is scored on every example, so the two sources are crossed. Their interaction would be counted in both
parts, and three times if both were resampled at once; no resampling of crossed data is exact (McCullagh 2000). Here it
counts for the replicates, where Student's t is exact. Its share of the test part is estimated from the spread of the
single replicates' resamples. The test part is then mapped to the remaining covariance, jointly for all means, so
differences, curves and label counts derived from them are right as well.

Sources: Efron & Tibshirani 1993, An Introduction to the Bootstrap; Student's t as the posterior of a normal mean:
Gelman et al. 2013, Bayesian Data Analysis, section 3.2; multipliers: van der Vaart & Wellner 1996, section 2.9; crossed
data: McCullagh 2000, Bernoulli 6:285-301, and Owen & Eckles 2012, arXiv:1106.2125.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.evaluate.bootstrap import Interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from satiety.problems.base import Floats


@dataclass(frozen=True, slots=True)
class BootstrapSamples:
    """Estimates of quantities with their bootstrap samples, which go through every computation together."""

    rows: Floats
    """Estimate, then samples; shape (1 + resamples, …)."""

    @classmethod
    def from_draws(cls, point: ArrayLike, draws: Floats) -> BootstrapSamples:
        """Join estimates, shape (…), and samples, shape (resamples, …)."""
        return cls(np.concatenate([np.asarray(point, dtype=np.float64)[None], draws]))

    @property
    def point(self) -> Floats:
        """Estimates, shape (…)."""
        return np.asarray(self.rows[0])

    @property
    def draws(self) -> Floats:
        """Samples, shape (resamples, …)."""
        return self.rows[1:]

    def __sub__(self, subtrahend: BootstrapSamples) -> BootstrapSamples:
        """Return the difference, sample by sample, so that shared noise cancels."""
        return BootstrapSamples(self.rows - subtrahend.rows)

    def __getitem__(self, position: int | list[int]) -> BootstrapSamples:
        """Return a selection of the quantities."""
        return BootstrapSamples(self.rows[:, position])

    @property
    def spread(self) -> float:
        """Half the central 68 % range of a single quantity's samples, robust to the tails of Student's t."""
        low, high = np.quantile(self.draws, [0.16, 0.84])
        return float(high - low) / 2

    def interval(self, confidence_level: float) -> Interval:
        """Return the percentile interval of a single quantity."""
        low, high = np.quantile(self.draws, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
        return Interval(float(self.point), float(low), float(high))


@dataclass(frozen=True, slots=True)
class ReplicateScores:
    """Scores of one lever set in each replicate; NaN where a replicate was not measured."""

    point: Floats
    """On the test set; shape (budgets, replicates)."""
    draws: Floats
    """On its resamples; shape (resamples, budgets, replicates)."""

    def __sub__(self, subtrahend: ReplicateScores) -> ReplicateScores:
        """Return the differences within each replicate; NaN where either was not measured."""
        return ReplicateScores(self.point - subtrahend.point, self.draws - subtrahend.draws)

    def mask(self, is_kept: NDArray[np.bool_]) -> ReplicateScores:
        """Return a copy with NaN wherever ``is_kept``, shape (budgets, replicates), is false."""
        return ReplicateScores(np.where(is_kept, self.point, np.nan), np.where(is_kept, self.draws, np.nan))

    def average_budgets(self) -> ReplicateScores:
        """Return each replicate's mean over the measured budgets, as a single budget."""
        rows = np.isfinite(self.point).any(axis=1)
        return ReplicateScores(self.point[rows].mean(axis=0)[None], self.draws[:, rows].mean(axis=1)[:, None])


@dataclass(frozen=True, slots=True)
class BootstrapNoise:
    """Sampling noise of a group of replicates: standard normal numbers of shape (resamples, replicates)."""

    multipliers: Floats
    """Weight of each replicate's deviation in the mean."""
    scale: Floats
    """The sum of the first n squares is a chi-square with n degrees of freedom."""

    @classmethod
    def sample(cls, seed: tuple[int, ...], resamples: int, replicates: int) -> BootstrapNoise:
        """Draw the noise of a group; more replicates leave the noise of the first ones unchanged."""
        multipliers, scale = np.random.default_rng(seed).standard_normal((replicates, 2, resamples)).transpose(1, 2, 0)
        return cls(multipliers, scale)


def compute_means(groups: Sequence[tuple[ReplicateScores, BootstrapNoise]]) -> list[BootstrapSamples]:
    """Return each group's means over its measured replicates, shape (budgets,); NaN where none was measured.

    A single replicate has no variance between replicates; its samples contain the test set's noise only.

    Args:
        groups: replicates with their noise. Groups share the test examples only.
    """
    tests = _sample_test_noise([replicates for replicates, _ in groups])
    group_means = []
    for (replicates, noise), test in zip(groups, tests, strict=True):
        is_measured = np.isfinite(replicates.point)
        count = is_measured.sum(axis=1)
        center = np.where(count, np.where(is_measured, replicates.point, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
        deviations = np.where(is_measured, replicates.point - center[:, None], 0)
        chi_square = np.cumsum(np.square(noise.scale), axis=1)[:, np.maximum(count - 2, 0)]
        labels = noise.multipliers @ deviations.T / np.sqrt(chi_square * np.maximum(count, 1))  # t s / sqrt(replicates)
        group_means.append(BootstrapSamples.from_draws(center, center + test + labels))
    return group_means


def _sample_test_noise(groups: Sequence[ReplicateScores]) -> list[Floats]:
    """Return the test set's noise in the means, for each group of shape (resamples, budgets).

    Resampled means also contain the interaction of examples and replicates, whose covariance the single replicates
    show. The samples are mapped to the covariance without it.
    """
    draws, covariances = zip(*(_split_test_noise(replicates) for replicates in groups), strict=True)
    edges = np.cumsum([len(covariance) for covariance in covariances])
    block = np.zeros((edges[-1], edges[-1]))
    for end, covariance in zip(edges, covariances, strict=True):
        block[end - len(covariance) : end, end - len(covariance) : end] = covariance
    return np.split(_remove_covariance(np.concatenate(draws, axis=1), block), edges[:-1], axis=1)


def _split_test_noise(replicates: ReplicateScores) -> tuple[Floats, Floats]:
    """Return the centered resamples of means, (resamples, budgets), and the interaction's covariance in them."""
    is_measured = np.isfinite(replicates.point)
    count = np.maximum(is_measured.sum(axis=1), 1)
    shared = (is_measured[:, None] & is_measured).sum(axis=2)
    filled = np.where(is_measured, replicates.draws - replicates.draws.mean(axis=0), 0)
    mean_draws = filled.sum(axis=2) / count
    deviations = np.where(is_measured, filled - mean_draws[..., None], 0)
    covariance = np.tensordot(deviations, deviations, axes=([0, 2], [0, 2])) / len(mean_draws)
    return mean_draws, covariance * (shared > 1) * shared / (np.maximum(shared - 1, 1) * np.outer(count, count))


def _remove_covariance(draws: Floats, covariance: Floats) -> Floats:
    """Map centered samples, shape (resamples, quantities), to their covariance minus ``covariance``."""
    values, vectors = np.linalg.eigh(draws.T @ draws / len(draws))
    is_positive = values > 1e-12 * values.max(initial=0.0)
    roots, axes = np.sqrt(values[is_positive]), vectors[:, is_positive]
    shares, rotation = np.linalg.eigh((axes / roots).T @ covariance @ (axes / roots))
    shrinkage = (rotation * np.sqrt(np.clip(1 - shares, 0, None))) @ rotation.T
    return np.asarray(draws @ ((axes / roots) @ shrinkage @ (axes * roots).T))
