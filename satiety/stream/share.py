"""Negative texts among a topic's, window after window -> its usual share, and how seldom a window has so many.

The share follows the last days, as levels do. Shares vary by more than chance; by how much, the past says, and a
window counts for as many texts as its share is sure of: ``n / (1 + (n − 1) ρ)``. A surge is not learned from.

Source: extra-binomial variance by intra-class correlation: Williams 1982, Applied Statistics 31:144.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats


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
        self._texts = np.full((2, topics), [[strength / 2], [strength]])
        self._varied = np.zeros((2, topics))

    @property
    def usual(self) -> Floats:
        """The share of negative texts, shape (topics,)."""
        share: Floats = self._texts[0] / self._texts[1]
        return share

    def chance(self, negative: Floats, of: Floats, share: Floats | float) -> Floats:
        """Return the chance of so many negative texts or more, where such a share is usual; shapes (topics,)."""
        from scipy.special import betainc

        kin = self._varied[0] / np.maximum(self._varied[1], 1)
        weight = 1 / (1 + np.maximum(of - 1, 0) * np.clip(kin, 0, 1))
        hits, all_ = negative * weight, of * weight
        found: Floats = np.where(negative > 0, betainc(np.maximum(hits, 1e-9), all_ - hits + 1, share), 1.0)
        return found

    def learn(self, negative: Floats, of: Floats, wanted: NDArray[np.bool_], usual: NDArray[np.bool_]) -> None:
        """Take a window into the past.

        Args:
            negative: texts, shape (topics,).
            of: texts, shape (topics,).
            wanted: topics whose share is learned from it, shape (topics,).
            usual: topics of which it tells how shares vary, shape (topics,).
        """
        share = self.usual
        chance = of * share * (1 - share)
        varied = np.stack([(negative - of * share) ** 2 - chance, chance * np.maximum(of - 1, 0)])
        self._varied += np.where(usual, varied, 0)
        self._texts = np.where(wanted, self._texts * self._fade + np.stack([negative, of]), self._texts)
