"""Detector: which words the texts have."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.drift.base import DETECTORS, Detector, rates_apart
from satiety.words import words

if TYPE_CHECKING:
    from satiety.drift.sample import Sample
    from satiety.problems.base import Floats


@DETECTORS.register("vocabulary")
class Vocabulary(Detector):
    """Shares of the texts that have a word, over all words; English and Chinese alike."""

    least: int = Field(ge=1, le=1000, default=5)
    """Texts of both samples together that a word must be in to count: chance rules the rarer ones."""

    def differences(self, pooled: Sample, contrasts: Floats) -> Floats:
        from scipy.sparse import csr_matrix

        held = list(map(_words, pooled.texts))
        counts = Counter(word for one in held for word in one)
        places = {word: i for i, word in enumerate(sorted(word for word, n in counts.items() if n >= self.least))}
        cells = [(row, places[word]) for row, one in enumerate(held) for word in one if word in places]
        rows, columns = zip(*cells, strict=True) if cells else ((), ())
        marks = csr_matrix(([1.0] * len(cells), (rows, columns)), shape=(len(held), len(places)))
        return rates_apart(marks, contrasts)


@lru_cache(maxsize=100_000)  # the reference is looked at again and again
def _words(text: str) -> frozenset[str]:
    return frozenset(text[start:end].lower() for start, end in words(text))
