"""What people said of answers, and what was asked -> a new version of the data, and texts to test a challenger on.

    traffic, corrections ─gather─▶ labels to learn from, fresh test examples, raw texts ─version─▶ files of data/raw/

Pure: when that is done, with what git and DVC, and what becomes of the model, `flows/retrain.py` knows.
"""

from pydantic import Field

from satiety.core.section import MAX_COUNT, Section, Seed


class Retrain(Section):
    """When a retraining is worth it, what it takes from the record, and what becomes of its branch."""

    seed: Seed
    """Decides, with each text's own digest, which new labels are kept as a fresh test."""
    fresh: float = Field(gt=0, lt=1, default=0.3)
    """Share of the new labels that is never learned from, but tells challenger and champion apart."""
    window: int = Field(ge=1, le=MAX_COUNT, default=2000)
    """Fresh test examples at most, the newest; older ones are not learned from either."""
    min_examples: int = Field(ge=1, le=MAX_COUNT, default=20)
    """New labels, those of the fresh test included, from which on a retraining is worth it."""
    texts_alone: bool = False
    """Whether new raw texts are worth one, without so many new labels: where a lever learns from raw texts."""
    documents: int = Field(ge=0, le=MAX_COUNT, default=2000)
    """Texts of the traffic that join the corpus, the newest."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a text to learn from repeats one of a test, and goes."""
    merge: bool = False
    """Whether the branch of a model that was promoted is merged, where that is a fast-forward of a clean checkout."""
    keep: int = Field(ge=1, le=1000, default=3)
    """Worktrees of earlier retrainings that stay to be looked at, the newest; branches stay anyway."""
