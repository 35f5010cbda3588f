"""Answers of challenger and champion -> promotion decision and its reason: paired tests, alpha spending, slices."""

from typing import Literal

from pydantic import Field

from satiety.core.section import MAX_COUNT, Section, Seed

Slice = Literal["label", "language", "length"]


class Promote(Section):
    """Evidence that a challenger needs to replace the champion."""

    seed: Seed
    """Random seed of the bootstrap resamples."""
    resamples: int = Field(ge=200, le=100_000)
    """Bootstrap resamples of the test set. Efron & Tibshirani 1993 (section 13.3) recommend at least 1,000."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Confidence level of the intervals that decide *worse*. All comparisons on one test set share the alpha
    (1 - level) / 2 for wrong promotions."""
    max_comparisons: int = Field(ge=1, le=10_000, default=20)
    """Comparisons on one frozen test set; from this number on the report recommends new test examples."""
    calibration: float = Field(ge=0, lt=1, default=0.2)
    """Share of a comparison's alpha reserved for the test of better calibration; 0 turns that test off."""
    bins: int = Field(ge=2, le=100)
    """Bins of confidence for the calibration error, as in ``evaluate``."""
    margin: float = Field(gt=0, lt=0.5, default=0.01)
    """Non-inferiority margin of the headline metric: *worse* lies below minus the margin, *not inferior* above it."""
    saving: float = Field(gt=0, lt=1, default=0.1)
    """Share of the champion's bytes of weights that a challenger must save to count as cheaper."""
    slices: list[Slice] = Field(default=["label", "language", "length"])
    """Parts of a test set that must not get worse: each label, each language, thirds of the texts by length."""
    slice_margin: float = Field(gt=0, lt=0.5, default=0.02)
    """Margin of a slice: it regresses if the interval of its difference lies below minus this."""
    min_slice_examples: int = Field(ge=10, le=MAX_COUNT, default=50)
    """Smallest slice that is compared, in examples."""
    min_fresh_examples: int = Field(ge=30, le=MAX_COUNT, default=100)
    """Fresh test examples needed as evidence; to promote a model, as many of them must be drawn at random."""


__all__ = ["Promote", "Slice"]
