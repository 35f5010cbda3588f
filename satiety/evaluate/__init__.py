"""Answers before and after tuning -> scores with intervals, their difference, confusion matrix and calibration."""

from pydantic import Field

from satiety.core.section import Section, Seed

FEW_LABELS, MANY_FOLDS = 50, 10
"""With fewer labels there are at least so many folds: the models that are scored then see nine labels of ten."""


class Evaluate(Section):
    """Bootstrap and calibration of the evaluation, and folds where there is no test."""

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
    folds: int = Field(ge=2, le=100, default=5)
    """Folds in which every label is scored where there is no test (`ingest.test`): at least 10 with fewer than 50
    labels, and at most one per group of labels. The recipe is fitted once per fold."""

    abstain: float | None = Field(gt=0, le=0.5, default=None)
    """Let `predict` refuse texts of no class (`none_of_these`): the share of texts of the classes that may be refused,
    too. Without it, every text is answered."""

    def count_folds(self, labels: int) -> int:
        """Return the number of folds for so many labels."""
        return max(self.folds, MANY_FOLDS) if labels < FEW_LABELS else self.folds


__all__ = ["Evaluate"]
