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
class Seen:
    """Of each topic; shape (topics,)."""

    negative: Floats
    """Sum of probabilities."""
    all: Floats
    """Texts."""
    doubt: Floats
    """Sum of p · (1 − p)."""

    @classmethod
    def of(cls, counts: Sequence[Count]) -> Self:
        """Take the counts of a window, a topic each."""
        return cls(*np.array([[one.negative, one.all, one.doubt] for one in counts], dtype=float).T)

    @property
    def other(self) -> Floats:
        other: Floats = self.all - self.negative
        return other

    @property
    def share(self) -> Floats:
        """Of negative texts; 0 where there are none."""
        share: Floats = self.negative / np.maximum(self.all, 1)
        return share

    @property
    def hardness(self) -> Floats:
        """The φ above."""
        answers = self.negative * (1 - self.share)
        hard: Floats = 1 - self.doubt / np.maximum(answers, LEAST)
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
        self._past = Seen(*np.full((3, topics), [[strength / 2], [strength], [0.0]]))
        self._varied = np.zeros((2, topics))

    @property
    def usual(self) -> Floats:
        """The share of negative texts, shape (topics,)."""
        return self._past.share

    def chance(self, negative: Floats, of: Floats, share: Floats | float, hardness: Floats) -> Floats:
        """Return the chance of so many negative texts or more, where such a share is usual; shapes (topics,)."""
        from scipy.special import betainc

        kin = np.clip(self._varied[0] / np.maximum(self._varied[1], 1), 0, 1)
        weight = 1 / (np.maximum(hardness, self._past.hardness) + np.maximum(of - 1, 0) * kin)
        hits, all_ = negative * weight, of * weight
        found: Floats = np.where(negative > 0, betainc(np.maximum(hits, 1e-9), all_ - hits + 1, share), 1.0)
        return found

    def learn(self, seen: Seen, wanted: NDArray[np.bool_], usual: NDArray[np.bool_]) -> None:
        """Take a window into the past.

        Args:
            seen: in the window.
            wanted: topics whose share is learned from it, shape (topics,).
            usual: topics of which it tells how shares vary, shape (topics,).
        """
        past, share = self._past, self.usual
        chance = seen.all * share * (1 - share)
        beyond = (seen.negative - seen.all * share) ** 2 - chance * past.hardness
        self._varied += np.where(usual, np.stack([beyond, chance * np.maximum(seen.all - 1, 0)]), 0)
        kept = ((past.negative, seen.negative), (past.all, seen.all), (past.doubt, seen.doubt))
        self._past = Seen(*(np.where(wanted, before * self._fade + now, before) for before, now in kept))
