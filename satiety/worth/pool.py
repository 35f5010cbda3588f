"""Scores of replicates at several budgets -> the noise due to the pool: which labels were collected at all.

All replicates of a study are drawn from one pool of N labels, so their variance at budget N contains none of the pool's
noise. But the two replicates of a pair share no label up to N / 2, hence differ like two pools of n labels. Half of
their squared difference has the mean T(n), the variance of scores with n newly drawn labels. It falls as 1 / n, so the
variance between pools of the score with all N labels is

    v = mean over n of (T(n) - s²(N)) n / N, n being N / 2 and N / 4

where s²(N), the variance over replicates with the same N labels, is due to folds and batches. The test set's part of
both variances is estimated from its resamples and subtracted, because it is counted elsewhere. The mean over replicates
at a smaller budget has the same noise of the pool. Noise of lever sets is correlated, so the samples have the
covariance of their scores.

Sources: half-samples and their complements, the delete-half jackknife: McCarthy 1969, Review of the International
Statistical Institute 37:239; Shao & Wu 1989, Annals of Statistics 17:1176. Overlapping training sets: Nadeau & Bengio
2003, Machine Learning 52:239.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satiety.problems.base import Floats
    from satiety.worth.resample import BootstrapNoise, ReplicateScores

POOL_SHARES = 1 / 2, 1 / 4
"""Budgets, as shares of the pool, whose pairs of replicates are used."""
MIN_VARIANCE = 1e-12
"""Variance of scores below which all differences are rounding errors."""


def sample_pool_noise(quantities: Sequence[ReplicateScores], budgets: Sequence[int], noise: BootstrapNoise) -> Floats:
    """Return samples of the pool's noise in each quantity, the same at all budgets.

    They follow a multivariate Student's t. Each pair of replicates at one budget is a degree of freedom. Two nested
    budgets yield 4/3 per pair, because their squared differences correlate by 1/2 where effects of labels add up.

    Args:
        quantities: scores or differences of scores, each of shape (budgets, replicates).
        budgets: ascending; the largest is the whole pool.
        noise: standard normal numbers, independent of the replicates' noise.

    Returns:
        Shape (resamples, quantities); 0 for a quantity without usable budgets.
    """
    covariance, num_budgets = estimate_pool_covariance(quantities, budgets)
    values, vectors = np.linalg.eigh(covariance)
    root = np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))  # negative eigenvalues are noise
    points = np.stack([scores.point for scores in quantities])
    pairs = np.isfinite(_compute_differences(points)).sum(axis=2).max(axis=1)
    dof = np.maximum(np.where(num_budgets > 1, pairs * 4 // 3, pairs), 1)
    chi_square = np.cumsum(np.square(noise.scale), axis=1)[:, dof - 1]
    samples = noise.multipliers[:, : len(root)] @ root.T
    return np.asarray(samples * np.sqrt(dof / chi_square))


def estimate_pool_covariance(quantities: Sequence[ReplicateScores], budgets: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the covariance of quantities between pools at the largest budget, and the number of budgets used.

    Halves of a pool that share no label differ by the noise of pools and of replicates; subtracting the noise of
    replicates on the whole pool, and scaling by budget / pool size, leaves that of pools.

    Args:
        quantities: each of shape (budgets, replicates), pairs side by side; NaN where a replicate was not measured.
        budgets: ascending.

    Returns:
        Shapes (quantities, quantities) and (quantities,).
    """
    # Scores, then resamples; shape (1 + resamples, quantities, budgets, replicates).
    samples = np.stack([np.concatenate([scores.point[None], scores.draws]) for scores in quantities], axis=1)
    whole_pool, pool_size = samples[:, :, -1], budgets[-1]
    replicate_noise = _remove_test_noise(whole_pool - _average(whole_pool), used_dof=1)
    total, weight = np.zeros_like(replicate_noise), np.zeros_like(replicate_noise)
    for position, budget in enumerate(budgets):
        if not any(abs(budget - share * pool_size) <= 1 for share in POOL_SHARES):
            continue
        differences = _compute_differences(samples[:, :, position])
        # Zero-shot answers never vary, so they carry no information about pools.
        varies = np.diag(_estimate_covariance(differences[0], used_dof=0)) > MIN_VARIANCE
        is_informative = np.outer(varies, varies)
        total += np.where(
            is_informative, (_remove_test_noise(differences, used_dof=0) - replicate_noise) * budget / pool_size, 0
        )
        weight += is_informative
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0), np.diag(weight)


def _remove_test_noise(rows: Floats, *, used_dof: int) -> Floats:
    """Return the covariance of deviations minus the part due to the test set.

    Args:
        rows: measured, then on resamples; shape (1 + resamples, quantities, samples).
        used_dof: degrees of freedom to subtract from the number of samples.
    """
    test = np.mean([_estimate_covariance(sample - rows[0], used_dof=used_dof) for sample in rows[1:]], axis=0)
    return np.asarray(_estimate_covariance(rows[0], used_dof=used_dof) - test)


def _compute_differences(points: Floats) -> Floats:
    """Return the differences within pairs, scaled to the variance of one replicate; shape (…, pairs)."""
    pairs = points.shape[-1] // 2
    return np.asarray((points[..., 0 : 2 * pairs : 2] - points[..., 1 : 2 * pairs : 2]) / np.sqrt(2))


def _average(points: Floats) -> Floats:
    is_measured = np.isfinite(points)
    total = np.where(is_measured, points, 0).sum(axis=-1, keepdims=True)
    return np.asarray(total / np.maximum(is_measured.sum(axis=-1, keepdims=True), 1))


def _estimate_covariance(deviations: Floats, *, used_dof: int) -> Floats:
    """Return the covariance of quantities over their common samples; 0 where these are too few.

    Args:
        deviations: shape (quantities, samples); NaN where not measured.
        used_dof: degrees of freedom to subtract from the number of samples.
    """
    is_measured = np.isfinite(deviations)
    count = (is_measured[:, None] & is_measured).sum(axis=2) - used_dof
    filled = np.where(is_measured, deviations, 0)
    return np.asarray(np.divide(filled @ filled.T, count, out=np.zeros(count.shape), where=count > 0))
