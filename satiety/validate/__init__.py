"""Tables of records -> what is clean, what is quarantined and why, and whether the pipeline may go on.

The rules are Great Expectations suites, JSON files that a data person edits (``expectations/``). Their standard
expectations look at columns: the fields of the records, and features of the texts that are computed here (`features`).
Great Expectations itself is known to the stage alone: here a *checker* is a function that is given.
"""

from pydantic import Field

from satiety.core.section import MAX_COUNT, Section

__all__ = ["Validate"]


class Validate(Section):
    """What may be wrong with the data before the pipeline stops. Suites read these as ``{"$PARAMETER": "<name>"}``."""

    row_share: float = Field(ge=0, le=1, default=0.2)
    """Largest share of a table's rows that may go to quarantine; more stops the pipeline."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a training text repeats a held-out one; as for ``ingest``."""
    max_characters: int = Field(ge=1, le=MAX_COUNT, default=20_000)
    """Most characters of a text."""
    symbols: float = Field(ge=0, le=1, default=0.9)
    """Largest share of a raw document's characters that are neither letters nor digits; white space is not counted."""
    language_share: float = Field(ge=0, le=1, default=0.5)
    """Least share of the commonest language among the labelled examples; 0 where they are meant to be of many."""
    label_share: float = Field(gt=0, le=1, default=0.95)
    """Largest share of one label in a split: above it, guessing is as good as learning."""
    label_count: int = Field(ge=1, le=MAX_COUNT, default=2)
    """Fewest examples of a label in a split."""
    label_in_text: float = Field(ge=0, le=1, default=0.5)
    """Largest share of examples whose text names their own label: above it, the label is leaked."""
    leak: float = Field(ge=0, le=1, default=0.5)
    """How far id or order may tell the label before it is reported: 0 is no better than chance, 1 is certainty."""
