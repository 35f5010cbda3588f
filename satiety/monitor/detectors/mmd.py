"""Detector of changed meaning, by embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from satiety.monitor.base import DETECTORS, Detector

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats

PAIRED = 1000
"""Maximum number of texts used for the median distance."""

ROUNDING = 1e-7
"""Standard deviation of discrepancies that single-precision rounding alone can produce."""


@DETECTORS.register("mmd")
class Mmd(Detector):
    """Maximum mean discrepancy of the embeddings: the maximum over several bandwidths of a Gaussian kernel.

    Source: Gretton et al. 2012, JMLR 13:723; several bandwidths with shared permutations: Schrab et al. 2023,
    arXiv:2110.15073.
    """

    bandwidths: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, strict=False, default=(0.5, 1.0, 2.0))
    """Bandwidths of the kernel, in median distances between two texts."""

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        vectors = pooled.embeddings.astype(np.float32)
        squares = np.maximum(2 - 2 * vectors @ vectors.T, 0)
        subset = np.linspace(0, len(vectors) - 1, min(len(vectors), PAIRED)).astype(int)
        pair_squares = squares[np.ix_(subset, subset)][np.triu_indices(len(subset), 1)]
        median, rows = float(np.median(pair_squares)) or 1.0, contrasts.astype(np.float32)
        discrepancies = [self._discrepancies(squares, 2 * median * bandwidth**2, rows) for bandwidth in self.bandwidths]
        greatest: Floats = np.max(
            [_standardize(kernel_discrepancies) for kernel_discrepancies in discrepancies], axis=0
        )
        return greatest

    @staticmethod
    def _discrepancies(squares: Floats, scale: float, contrasts: Floats) -> Floats:
        kernel = np.exp(-squares / scale)
        np.fill_diagonal(kernel, 0)  # unbiased estimate: no pairs of a text with itself
        discrepancies: Floats = ((contrasts @ kernel) * contrasts).sum(axis=1, dtype=np.float64)
        return discrepancies


def _standardize(discrepancies: Floats) -> Floats:
    """Return z-scores; zeros if the values differ by rounding only."""
    deviations, spread = discrepancies - discrepancies.mean(), discrepancies.std()
    return deviations / spread if spread > ROUNDING else np.zeros_like(deviations)
