"""Negative texts among a topic's, window after window -> its usual share, and how seldom a window has so many.

The share follows the last days, as levels do. Shares vary by more than chance; by how much, the past says, and a
window counts for as many texts as its share is sure of: ``n / (φ + (n − 1) ρ)``. The φ is how much a text's
probability of being negative varies from text to text, in the variance of answers, 0 or 1, which it is 1 for. A surge
is not learned from.

Source: extra-binomial variance by intra-class correlation: Williams 1982, Applied Statistics 31:144.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from examples.opinion_monitoring.stream.windows import Count
    from satiety.problems.base import Floats

LEAST = 0.01
"""Of φ: no model's probabilities are so even that hardly anything is left to chance."""


@dataclass(frozen=True, slots=True, eq=False)
class TopicCounts:
    """Of each topic; shape (topics,)."""

    negative: Floats
    """Sum of probabilities."""
    all: Floats
    """Texts."""
    variance: Floats
    """Sum of p · (1 − p)."""

    @classmethod
    def from_counts(cls, counts: Sequence[Count]) -> Self:
        """Take the counts of a window, a topic each."""
        return cls(*np.array([[count.negative, count.all, count.variance] for count in counts], dtype=float).T)

    @property
    def other(self) -> Floats:
        remainder: Floats = self.all - self.negative
        return remainder

    @property
    def share(self) -> Floats:
        """Of negative texts; 0 where there are none."""
        share: Floats = self.negative / np.maximum(self.all, 1)
        return share

    @property
    def hardness(self) -> Floats:
        """The φ above."""
        answers = self.negative * (1 - self.share)
        hard: Floats = 1 - self.variance / np.maximum(answers, LEAST)
        return np.clip(hard, LEAST, 1)


class Shares:
    """The shares of some topics."""

    def __init__(self, topics: int, memory: float, strength: float) -> None:
        """Begin without a past.

        Args:
            topics: how many.
            memory: windows after which the past counts half.
            strength: texts that speak for half of all being negative.
        """
        self._fade = 0.5 ** (1 / memory)
        self._past = TopicCounts(*np.full((3, topics), [[strength / 2], [strength], [0.0]]))
        self._varied = np.zeros((2, topics))

    @property
    def usual(self) -> Floats:
        """The share of negative texts, shape (topics,)."""
        return self._past.share

    def chance(self, negative: Floats, total: Floats, share: Floats | float, hardness: Floats) -> Floats:
        """Return the chance of so many negative texts or more, where such a share is usual; shapes (topics,)."""
        from scipy.special import betainc

        kin = np.clip(self._varied[0] / np.maximum(self._varied[1], 1), 0, 1)
        weight = 1 / (np.maximum(hardness, self._past.hardness) + np.maximum(total - 1, 0) * kin)
        hits, all_ = negative * weight, total * weight
        probability: Floats = np.where(negative > 0, betainc(np.maximum(hits, 1e-9), all_ - hits + 1, share), 1.0)
        return probability

    def learn(self, window_counts: TopicCounts, is_learned: NDArray[np.bool_], usual: NDArray[np.bool_]) -> None:
        """Take a window into the past.

        Args:
            window_counts: of the window.
            is_learned: topics whose share is learned from it, shape (topics,).
            usual: topics from which the variance of shares is learned, shape (topics,).
        """
        past, share = self._past, self.usual
        chance = window_counts.all * share * (1 - share)
        beyond = (window_counts.negative - window_counts.all * share) ** 2 - chance * past.hardness
        self._varied += np.where(usual, np.stack([beyond, chance * np.maximum(window_counts.all - 1, 0)]), 0)
        pairs = (
            (past.negative, window_counts.negative),
            (past.all, window_counts.all),
            (past.variance, window_counts.variance),
        )
        self._past = TopicCounts(
            *(np.where(is_learned, previous * self._fade + current, previous) for previous, current in pairs)
        )
