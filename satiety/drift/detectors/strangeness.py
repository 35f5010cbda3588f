"""Detector: how far the texts lie from what the model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satiety.drift.base import DETECTORS, Detector, greatest_gap

if TYPE_CHECKING:
    from satiety.drift.sample import Sample
    from satiety.problems.base import Floats


@DETECTORS.register("strangeness")
class Strangeness(Detector):
    """Greatest gap (Kolmogorov–Smirnov) in the distance from the training texts next to a text."""

    def differences(self, pooled: Sample, contrasts: Floats) -> Floats:
        return greatest_gap(pooled.distances, contrasts)
