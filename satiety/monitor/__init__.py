"""Two samples of text: has the world moved? Detectors, one file each, and one exact test of all of them together."""

from satiety.monitor.base import DETECTORS, Detector
from satiety.monitor.permutation_test import DetectorTest, Drift, compare
from satiety.monitor.sample import TextSample

__all__ = ["DETECTORS", "Detector", "DetectorTest", "Drift", "TextSample", "compare"]
