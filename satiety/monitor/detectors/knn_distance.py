"""Detector of out-of-distribution texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satiety.monitor.base import DETECTORS, Detector, compute_ks_distance

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats


@DETECTORS.register("knn_distance")
class KnnDistance(Detector):
    """Kolmogorov–Smirnov distance of the texts' distances from their nearest training texts."""

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        return compute_ks_distance(pooled.distances, contrasts)
