"""Validate tables of records: clean rows, quarantined rows with reasons, and errors that stop the pipeline.

The rules are Great Expectations suites, editable JSON files in ``expectations/``. They check columns: the fields of the
records, and the text features computed by `features`. Only the stage imports Great Expectations; functions here receive
a *checker* as an argument.
"""

from pydantic import Field

from satiety.core.section import MAX_COUNT, Section

__all__ = ["Validate"]


class Validate(Section):
    """Thresholds for the checks in expectations/."""

    row_share: float = Field(ge=0, le=1, default=0.2)
    """Largest share of a table's rows in quarantine; the pipeline stops above it."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates; a training text
    like a held-out one leaks it."""
    max_characters: int = Field(ge=1, le=MAX_COUNT, default=20_000)
    """Longest text, in characters."""
    symbols: float = Field(ge=0, le=1, default=0.9)
    """Largest share of symbols (neither letters nor digits, excluding white space) in a raw document."""
    language_share: float = Field(ge=0, le=1, default=0.5)
    """Minimum share of the most common language among labelled examples; 0 for multilingual data."""
    label_share: float = Field(gt=0, le=1, default=0.95)
    """Largest share of one label in a split; above it, always predicting that label scores well."""
    label_count: int = Field(ge=1, le=MAX_COUNT, default=2)
    """Minimum number of examples per label in a split."""
    label_in_text: float = Field(ge=0, le=1, default=0.5)
    """Largest share of examples whose text contains the name of their own label; a higher share indicates a leak."""
    leak: float = Field(ge=0, le=1, default=0.5)
    """Largest predictability (lambda) of the label from id or order: 0 is chance, 1 is certainty."""
