"""Detector: what the texts mean, by their embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from satiety.drift.base import DETECTORS, Detector

if TYPE_CHECKING:
    from satiety.drift.sample import Sample
    from satiety.problems.base import Floats

PAIRED = 1000
"""Texts whose distances give the median: more of them hardly move it."""

ROUNDING = 1e-7
"""Standard deviation of discrepancies of which single precision makes so much by itself."""


@DETECTORS.register("mmd")
class Mmd(Detector):
    """Maximum mean discrepancy of the embeddings, at several widths of a Gaussian kernel.

    Source: Gretton et al. 2012, JMLR 13:723; several widths, of which the most telling counts, all of them judged by
    the same permutations: Schrab et al. 2023, arXiv:2110.15073.
    """

    widths: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, strict=False, default=(0.5, 1.0, 2.0))
    """Of the kernel, in medians of the distances between two texts."""

    def differences(self, pooled: Sample, contrasts: Floats) -> Floats:
        vectors = pooled.embeddings.astype(np.float32)
        squares = np.maximum(2 - 2 * vectors @ vectors.T, 0)
        some = np.linspace(0, len(vectors) - 1, min(len(vectors), PAIRED)).astype(int)
        between = squares[np.ix_(some, some)][np.triu_indices(len(some), 1)]
        median, rows = float(np.median(between)) or 1.0, contrasts.astype(np.float32)
        found = [self._discrepancies(squares, 2 * median * width**2, rows) for width in self.widths]
        greatest: Floats = np.max([_standardised(one) for one in found], axis=0)
        return greatest

    @staticmethod
    def _discrepancies(squares: Floats, scale: float, contrasts: Floats) -> Floats:
        kernel = np.exp(-squares / scale)
        np.fill_diagonal(kernel, 0)  # a text with itself says nothing of the other sample
        discrepancies: Floats = ((contrasts @ kernel) * contrasts).sum(axis=1, dtype=np.float64)
        return discrepancies


def _standardised(discrepancies: Floats) -> Floats:
    """Return them in standard deviations from their mean; zeros where they differ by rounding alone."""
    apart, spread = discrepancies - discrepancies.mean(), discrepancies.std()
    return apart / spread if spread > ROUNDING else np.zeros_like(apart)
