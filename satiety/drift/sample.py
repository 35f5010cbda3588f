"""A sample of texts, and what a model makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

    Places = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Texts, all of which one model has seen alike: none of its training texts among them."""

    texts: tuple[str, ...]
    embeddings: Floats
    """Unit vectors, shape (texts, dimensions)."""
    scores: Floats
    """The model's probability of each class, shape (texts, classes)."""
    distances: Floats
    """Of each text from the training texts next to it (:func:`strangeness`), shape (texts,)."""

    def __len__(self) -> int:
        return len(self.texts)

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.texts + other.texts,
            np.concatenate([self.embeddings, other.embeddings]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.distances, other.distances]),
        )

    def take(self, places: Places) -> Sample:
        """Return the texts at these places, in their order."""
        chosen = tuple(self.texts[i] for i in places)
        return Sample(chosen, self.embeddings[places], self.scores[places], self.distances[places])


def strangeness(embeddings: Floats, training: Floats, neighbours: int) -> Floats:
    """Return each text's mean cosine distance from the training texts nearest to it, shape (texts,).

    Args:
        embeddings: unit vectors, shape (texts, dimensions).
        training: unit vectors of the training texts, shape (training texts, dimensions).
        neighbours: how many count; all, where there are fewer.

    Source: distance to the k-th nearest neighbour tells what is out of distribution: Sun et al. 2022, arXiv:2204.06507.
    """
    near = np.sort(embeddings @ training.T, axis=1)[:, -neighbours:]
    distances: Floats = 1 - near.mean(axis=1)
    return distances
