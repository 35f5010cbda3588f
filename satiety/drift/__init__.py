"""Two samples of text: has the world moved? Detectors, one file each, and one exact test of all of them together."""

from satiety.drift.base import DETECTORS, Detector
from satiety.drift.sample import Sample
from satiety.drift.testing import Drift, Test, compare

__all__ = ["DETECTORS", "Detector", "Drift", "Sample", "Test", "compare"]
