"""A challenger's and the champion's answers -> who is to be champion, and why: evidence, looks paid for, slices."""

from typing import Literal

from pydantic import Field

from satiety.core.section import MAX_COUNT, Section, Seed

Slice = Literal["label", "language", "length"]


class Promote(Section):
    """What a challenger must show."""

    seed: Seed
    """Of the bootstrap's resamples."""
    resamples: int = Field(ge=200, le=100_000)
    """How often the test set is drawn anew."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Of the intervals that say what is worse. (1 - level) / 2 is what all looks at one test set may ever spend on
    promoting a model wrongly."""
    max_comparisons: int = Field(ge=1, le=10_000, default=20)
    """Looks at one frozen test set, from which on the report asks for new test examples."""
    calibration: float = Field(ge=0, lt=1, default=0.2)
    """Share of a look's alpha that is kept for the claim of better calibration; with 0 it is never made."""
    bins: int = Field(ge=2, le=100)
    """Bins of confidence for that claim; as in ``evaluate``."""
    margin: float = Field(gt=0, lt=0.5, default=0.01)
    """Of the headline metric: what is surely worse by more than this is worse, what surely is not is not inferior."""
    saving: float = Field(gt=0, lt=1, default=0.1)
    """Share of the champion's bytes of weights that a challenger must save, to count as cheaper."""
    slices: list[Slice] = Field(default=["label", "language", "length"])
    """Parts of a test set none of which may get worse: each label, each language, thirds of the texts by length."""
    slice_margin: float = Field(gt=0, lt=0.5, default=0.02)
    """A slice regresses where the interval of its difference lies wholly below minus this."""
    min_slice_examples: int = Field(ge=10, le=MAX_COUNT, default=50)
    """Examples that a slice must have, to be looked at."""
    min_fresh_examples: int = Field(ge=30, le=MAX_COUNT, default=100)
    """Fresh test examples that there must be, to count as evidence; as many drawn at random, to promote by them."""


__all__ = ["Promote", "Slice"]
