"""Answers before and after tuning -> scores with intervals, their difference, confusion matrix and calibration."""

from pydantic import Field

from satiety.core.section import Section, Seed


class Evaluate(Section):
    """Bootstrap and calibration of the evaluation."""

    seed: Seed
    """Random seed of the bootstrap resamples."""
    resamples: int = Field(ge=200, le=100_000)
    """Bootstrap resamples of the test set. Efron & Tibshirani 1993 (section 13.3) recommend at least 1,000."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Confidence level of the intervals."""
    bins: int = Field(ge=2, le=100)
    """Bins of confidence for the calibration error; Guo et al. 2017 (arXiv:1706.04599) use 15."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""


__all__ = ["Evaluate"]
