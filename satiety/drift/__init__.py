"""Two samples of text: has the world moved? Detectors, one file each, and one exact test of all of them together."""

from satiety.drift.base import DETECTORS, Detector
from satiety.drift.sample import TextSample
from satiety.drift.testing import DetectorTest, Drift, compare

__all__ = ["DETECTORS", "Detector", "DetectorTest", "Drift", "TextSample", "compare"]
