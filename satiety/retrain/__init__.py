"""Traffic and its corrections -> a new data version for training, and fresh test examples for promotion.

    traffic, corrections ─gather─▶ new labels, fresh test examples, raw texts ─version─▶ files of data/raw/

This package is pure; the schedule, git, DVC and promotion are in `flows/retrain.py`.
"""

from pydantic import Field

from satiety.core.section import MAX_COUNT, Section, Seed


class Retrain(Section):
    """When to retrain, which part of the traffic log to use, and what to do with the branch."""

    seed: Seed
    """Random seed; with each text's digest it assigns new labels to training or to the fresh test."""
    fresh: float = Field(gt=0, lt=1, default=0.3)
    """Share of the new labels used only to compare challenger and champion, never for training."""
    window: int = Field(ge=1, le=MAX_COUNT, default=2000)
    """Maximum number of fresh test examples, newest first; older ones are not used for training either."""
    min_examples: int = Field(ge=1, le=MAX_COUNT, default=20)
    """New labels, fresh test included, that start a retraining."""
    texts_alone: bool = False
    """Whether new raw texts alone start a retraining; useful if a lever trains on raw texts."""
    documents: int = Field(ge=0, le=MAX_COUNT, default=2000)
    """Newest texts of the traffic that are added to the corpus."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates; training texts like
    a test text are dropped."""
    merge: bool = False
    """Whether to merge the branch of a promoted model if that is a fast-forward of a clean checkout."""
    keep: int = Field(ge=1, le=1000, default=3)
    """Newest worktrees of earlier retrainings to keep; branches are always kept."""
