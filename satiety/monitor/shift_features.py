"""Window and reference -> features that predict the change of a model's score, without labels.

They measure shifts of confidence, out-of-distribution scores, words, lengths and predicted labels. Their effect on the
score is learned from simulated shifts (`shift_simulation.py`, `estimate.py`).

Sources: confidence: Guillory et al. 2021, arXiv:2107.03315; distance from the training texts: Sun et al. 2022,
arXiv:2204.06507; shares of the answers: Lipton et al. 2018, arXiv:1802.03916.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from satiety.text.words import split_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from satiety.monitor.sample import Indices, TextSample
    from satiety.problems.base import Floats

CONFIDENCE = (0.1, 0.3, 0.5, 0.7, 0.9)
DISTANCE = (0.1, 0.5, 0.9)
"""Quantiles compared."""
TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class TextFeatures:
    """Features of each text."""

    confidence: Floats
    entropy: Floats
    distance: Floats
    length: Floats
    """Number of words."""
    unseen: Floats
    """Share of a text's words that do not occur in the reference."""
    answers: Floats
    """Predicted class, one-hot, shape (texts, classes)."""
    embeddings: Floats

    def take(self, indices: Indices) -> TextFeatures:
        """Return the features of the texts at these indices."""
        return TextFeatures(*(getattr(self, name)[indices] for name in self.__slots__))


def count_word_texts(texts: Iterable[str]) -> Counter[str]:
    """Return the document frequency of each word."""
    return Counter(word for text in texts for word in set(tokenize(text)))


def extract_text_features(sample: TextSample, word_counts: Counter[str], max_count: int = 0) -> TextFeatures:
    """Return the features of each text.

    Args:
        sample: the texts.
        word_counts: document frequency of the reference's words.
        max_count: words in at most so many texts count as unseen; 1 for the reference itself, whose own words count.
    """
    scores = sample.scores
    unseen = [[word_counts[word] <= max_count for word in tokenize(text)] for text in sample.texts]
    return TextFeatures(
        confidence=scores.max(axis=1),
        entropy=-(scores * np.log(scores + TINY)).sum(axis=1),
        distance=sample.distances,
        length=np.array([float(len(unseen_words)) for unseen_words in unseen]),
        unseen=np.array([float(np.mean(unseen_words)) if unseen_words else 0.0 for unseen_words in unseen]),
        answers=np.eye(scores.shape[1])[scores.argmax(axis=1)],
        embeddings=sample.embeddings,
    )


def compute_shift_features(reference: TextFeatures, window: TextFeatures) -> Floats:
    """Return the shift features, shape (features,); zero up to sampling noise without a shift."""
    shares = window.answers.mean(axis=0) - reference.answers.mean(axis=0)
    spread = reference.distance.std() + TINY
    return np.array(
        [
            window.confidence.mean() - reference.confidence.mean(),
            window.confidence.std() - reference.confidence.std(),
            window.entropy.mean() - reference.entropy.mean(),
            *(np.quantile(window.confidence, CONFIDENCE) - np.quantile(reference.confidence, CONFIDENCE)),
            *((np.quantile(window.distance, DISTANCE) - np.quantile(reference.distance, DISTANCE)) / spread),
            window.length.mean() / (reference.length.mean() + TINY) - 1,
            window.unseen.mean() - reference.unseen.mean(),
            float(np.linalg.norm(window.embeddings.mean(axis=0) - reference.embeddings.mean(axis=0))),
            np.abs(shares).sum(),
            shares.max(),
        ]
    )


@lru_cache(maxsize=100_000)  # the reference is tokenised repeatedly
def tokenize(text: str) -> tuple[str, ...]:
    """Return the words of a text, in lower case."""
    return tuple(text[start:end].lower() for start, end in split_words(text))
