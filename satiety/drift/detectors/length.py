"""Detector: how long the texts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.drift.base import DETECTORS, Detector, greatest_gap
from satiety.words import units

if TYPE_CHECKING:
    from satiety.drift.sample import Sample
    from satiety.problems.base import Floats


@DETECTORS.register("length")
class Length(Detector):
    """Greatest gap (Kolmogorov–Smirnov) in the number of units: Chinese characters, or words and marks."""

    def differences(self, pooled: Sample, contrasts: Floats) -> Floats:
        return greatest_gap(np.array([len(units(text)) for text in pooled.texts]), contrasts)
