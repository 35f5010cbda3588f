"""Detector of changed text lengths."""

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
    """Kolmogorov–Smirnov distance of the text lengths, in Chinese characters, words and punctuation marks."""

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        return compute_ks_distance(np.array([len(split_units(text)) for text in pooled.texts]), contrasts)
