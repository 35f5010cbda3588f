"""Scores of chains at several budgets -> what the luck of the pool, of which labels there are, may have done to them.

All chains of a study are drawn from one pool of N labels, so they say how scores differ between beginnings of one pool,
and at N nothing at all. But the two chains of a pair have no label in common up to N / 2: they differ as two pools of n
labels do, whatever it is that labels do to a score. Half the square of their difference has the mean T(n), the variance
of scores with n labels drawn anew. That falls as 1 / n, so the variance between pools of the score with all N labels is

    v = mean over n of (T(n) - s²(N)) n / N, n being N / 2 and N / 4

where s²(N), the variance over chains that all hold the same labels, is no pool's doing but that of folds and batches.
Both are less what the test texts do to such differences, which the resamples of the test show: it is counted there.
The mean over chains at a smaller budget has the same luck, for a pool is lucky as a whole. Lever sets are lucky
together, so what is drawn has the covariance of their scores.

Source: half-samples and their complements, the delete-half jackknife: McCarthy 1969, Review of the International
Statistical Institute 37:239; Shao & Wu 1989, Annals of Statistics 17:1176. Training sets that overlap: Nadeau & Bengio
2003, Machine Learning 52:239.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satiety.problems.base import Floats
    from satiety.worth.resample import BootstrapNoise, ReplicateScores

SHARES = 1 / 2, 1 / 4
"""Of the pool: the budgets whose pairs of chains tell."""
NEVER = 1e-12
"""A variance of scores that is 0 but for rounding."""


def sample_pool_noise(quantities: Sequence[ReplicateScores], budgets: Sequence[int], noise: BootstrapNoise) -> Floats:
    """Return draws of what the pool may have done to each quantity, the same at all budgets.

    They are multivariate Student's t with a degree of freedom for each pair of chains at one budget; at two, one within
    the other, for 4/3 pairs: where labels add up, the squares of what they say correlate by a half.

    Args:
        quantities: what varies from chain to chain, each of shape (budgets, chains): scores, or differences of them.
        budgets: ascending; the largest is the whole pool.
        noise: standard normal numbers of the pool's own.

    Returns:
        Shape (resamples, quantities); 0 for a quantity that the budgets say nothing of.
    """
    rows = _stack(quantities)
    covariance, num_budgets = _estimate_between(rows, budgets)
    root, pairs = _factorize(covariance), np.isfinite(_compute_differences(rows[0])).sum(axis=2).max(axis=1)
    dof = np.maximum(np.where(num_budgets > 1, pairs * 4 // 3, pairs), 1)
    chi_square = np.cumsum(np.square(noise.scale), axis=1)[:, dof - 1]
    samples = noise.multipliers[:, : len(root)] @ root.T
    return np.asarray(samples * np.sqrt(dof / chi_square))


def estimate_pool_covariance(quantities: Sequence[ReplicateScores], budgets: Sequence[int]) -> Floats:
    """Return the covariance between pools of quantities with all labels, shape (quantities, quantities).

    Args:
        quantities: each of shape (budgets, chains), the chains of a pair side by side; NaN where a chain was not.
        budgets: ascending.
    """
    return _estimate_between(_stack(quantities), budgets)[0]


def _estimate_between(rows: Floats, budgets: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the covariance between pools, and how many budgets tell of each quantity."""
    size, replicate_noise = budgets[-1], _remove_test_noise(rows[:, :, -1] - _average(rows[:, :, -1]), used_dof=1)
    total, weight = np.zeros_like(replicate_noise), np.zeros_like(replicate_noise)
    for position, budget in enumerate(budgets):
        if not any(abs(budget - share * size) <= 1 for share in SHARES):
            continue
        differences = _compute_differences(rows[:, :, position])
        varies = (
            np.diag(_estimate_covariance(differences[0], used_dof=0)) > NEVER
        )  # answers without training never vary: they tell nothing
        is_informative = np.outer(varies, varies)
        total += np.where(
            is_informative, (_remove_test_noise(differences, used_dof=0) - replicate_noise) * budget / size, 0
        )
        weight += is_informative
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0), np.diag(weight)


def _stack(quantities: Sequence[ReplicateScores]) -> Floats:
    """Return what was measured, then its draws; shape (1 + resamples, quantities, budgets, chains)."""
    return np.stack([np.concatenate([scores.point[None], scores.draws]) for scores in quantities], axis=1)


def _remove_test_noise(rows: Floats, *, used_dof: int) -> Floats:
    """Return the covariance of deviations as measured, less what the draws of the test do to them.

    Args:
        rows: as measured, then as drawn; shape (1 + resamples, quantities, samples).
        used_dof: degrees of freedom that the deviations lack.
    """
    test = np.mean([_estimate_covariance(sample - rows[0], used_dof=used_dof) for sample in rows[1:]], axis=0)
    return np.asarray(_estimate_covariance(rows[0], used_dof=used_dof) - test)


def _compute_differences(points: Floats) -> Floats:
    """Return the differences within pairs of chains, of the variance of one chain; shape (…, pairs)."""
    pairs = points.shape[-1] // 2
    return np.asarray((points[..., 0 : 2 * pairs : 2] - points[..., 1 : 2 * pairs : 2]) / np.sqrt(2))


def _average(points: Floats) -> Floats:
    is_measured = np.isfinite(points)
    total = np.where(is_measured, points, 0).sum(axis=-1, keepdims=True)
    return np.asarray(total / np.maximum(is_measured.sum(axis=-1, keepdims=True), 1))


def _estimate_covariance(deviations: Floats, *, used_dof: int) -> Floats:
    """Return the covariance of quantities from deviations, over where both were measured; 0 where these are too few.

    Args:
        deviations: shape (quantities, samples); NaN where there is none.
        used_dof: degrees of freedom that the deviations lack.
    """
    is_measured = np.isfinite(deviations)
    count = (is_measured[:, None] & is_measured).sum(axis=2) - used_dof
    filled = np.where(is_measured, deviations, 0)
    return np.asarray(np.divide(filled @ filled.T, count, out=np.zeros(count.shape), where=count > 0))


def _factorize(covariance: Floats) -> Floats:
    """Return a matrix whose product with its transpose is the covariance, without what chance made negative of it."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))
