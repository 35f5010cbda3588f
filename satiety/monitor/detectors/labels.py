"""Detector of changed label shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satiety.monitor.base import DETECTORS, Detector, compare_rates

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats


@DETECTORS.register("labels")
class LabelShift(Detector):
    """Shares of the predicted labels; the strongest detector under pure label shift.

    Source: label shift detection from black-box predictions: Lipton et al. 2018, arXiv:1802.03916.
    """

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        from scipy.sparse import csr_matrix

        count, classes = pooled.scores.shape
        predictions = pooled.scores.argmax(axis=1)
        marks = csr_matrix(([1.0] * count, (range(count), predictions)), shape=(count, classes))
        return compare_rates(marks, contrasts)
