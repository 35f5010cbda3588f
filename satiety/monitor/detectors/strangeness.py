"""Detector: how far the texts lie from what the model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satiety.monitor.base import DETECTORS, Detector, compute_ks_distance

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats


@DETECTORS.register("strangeness")
class KnnDistance(Detector):
    """Greatest gap (Kolmogorov–Smirnov) in the distance from the training texts next to a text."""

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        return compute_ks_distance(pooled.distances, contrasts)
