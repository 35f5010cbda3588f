"""Detector of changed class probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.monitor.base import DETECTORS, Detector, compute_ks_distance

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats


@DETECTORS.register("softmax")
class Softmax(Detector):
    """Largest Kolmogorov–Smirnov distance of the probabilities over all classes.

    Source: black-box shift detection: Lipton et al. 2018, arXiv:1802.03916; univariate tests on the softmax:
    Rabanser et al. 2019, arXiv:1810.11953.
    """

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        greatest: Floats = np.max([compute_ks_distance(column, contrasts) for column in pooled.scores.T], axis=0)
        return greatest
