"""Detector: how long the texts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.monitor.base import DETECTORS, Detector, compute_ks_distance
from satiety.text.words import split_units

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats


@DETECTORS.register("length")
class Length(Detector):
    """Greatest gap (Kolmogorov–Smirnov) in the number of units: Chinese characters, or words and marks."""

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        return compute_ks_distance(np.array([len(split_units(text)) for text in pooled.texts]), contrasts)
