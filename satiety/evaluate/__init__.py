"""Answers before and after tuning -> scores with intervals, the difference, confusion and calibration."""

from pydantic import Field

from satiety.core.section import Section, Seed


class Evaluate(Section):
    """How answers are judged."""

    seed: Seed
    """Of the bootstrap's resamples."""
    resamples: int = Field(ge=200, le=100_000)
    """How often the test set is drawn anew; Efron & Tibshirani 1993 (section 13.3) ask for 1,000 or more."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Share of repeated experiments in which an interval is to hold the truth."""
    bins: int = Field(ge=2, le=100)
    """Bins of confidence for calibration; Guo et al. 2017 (arXiv:1706.04599) take 15."""
    prefix: str
    """Put before every text when the base model embeds it, for *before*; models of the E5 family want ``query: ``."""


__all__ = ["Evaluate"]
