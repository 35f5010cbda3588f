"""Synthetic evidence."""

from typing import Any

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.paired_bootstrap import PairedMetric

VALUES = {
    "seed": 3,
    "resamples": 400,
    "confidence_level": 0.95,
    "max_comparisons": 20,
    "calibration": 0.2,
    "bins": 10,
    "margin": 0.01,
    "saving": 0.1,
    "slices": ["label", "language", "length"],
    "slice_margin": 0.02,
    "min_slice_examples": 30,
    "min_fresh_examples": 40,
}


def make_params(**changes: Any) -> Promote:
    return Promote.model_validate(VALUES | changes)


def make_pair(difference: float, error: float = 0.01, champion: float = 0.7) -> PairedMetric:
    """Return a metric of two systems that is this far apart."""
    sides = [Interval(value, value - 0.02, value + 0.02) for value in (champion, champion + difference)]
    return PairedMetric(*sides, error, 400)
