"""Drift of the traffic: detectors, one file each, and one exact permutation test over all of them."""

from satiety.monitor.base import DETECTORS, Detector
from satiety.monitor.permutation_test import DetectorTest, Drift, compare
from satiety.monitor.sample import TextSample

__all__ = ["DETECTORS", "Detector", "DetectorTest", "Drift", "TextSample", "compare"]
