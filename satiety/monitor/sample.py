"""Sample of texts with embeddings and predictions of one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Indices = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TextSample:
    """Texts outside the training set, with embeddings, class probabilities and out-of-distribution scores."""

    texts: tuple[str, ...]
    embeddings: Floats
    """Unit vectors, shape (texts, dimensions)."""
    scores: Floats
    """The model's probability of each class, shape (texts, classes)."""
    distances: Floats
    """Out-of-distribution score of each text (:func:`knn_distance`), shape (texts,)."""

    def __len__(self) -> int:
        return len(self.texts)

    def __add__(self, sample: TextSample) -> TextSample:
        return TextSample(
            self.texts + sample.texts,
            np.concatenate([self.embeddings, sample.embeddings]),
            np.concatenate([self.scores, sample.scores]),
            np.concatenate([self.distances, sample.distances]),
        )

    def take(self, indices: Indices) -> TextSample:
        """Return the texts at these indices."""
        texts = tuple(self.texts[i] for i in indices)
        return TextSample(texts, self.embeddings[indices], self.scores[indices], self.distances[indices])


def knn_distance(embeddings: Floats, training: Floats, k: int) -> Floats:
    """Return each text's mean cosine distance from its nearest training texts, shape (texts,).

    Args:
        embeddings: unit vectors, shape (texts, dimensions).
        training: unit vectors of the training texts, shape (training texts, dimensions).
        k: number of nearest training texts.

    Source: out-of-distribution detection by nearest neighbours: Sun et al. 2022, arXiv:2204.06507.
    """
    similarities = np.sort(embeddings @ training.T, axis=1)[:, -k:]
    distances: Floats = 1 - similarities.mean(axis=1)
    return distances
