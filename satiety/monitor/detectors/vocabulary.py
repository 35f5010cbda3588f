"""Detector of changed vocabulary."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.monitor.base import DETECTORS, Detector, compare_rates
from satiety.text.words import split_words

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats


@DETECTORS.register("vocabulary")
class Vocabulary(Detector):
    """Document frequencies of all words, English and Chinese."""

    min_count: int = Field(ge=1, le=1000, default=5)
    """Smallest document frequency of a word in both samples together; rarer words are mostly noise."""

    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        from scipy.sparse import csr_matrix

        text_words = list(map(_unique_words, pooled.texts))
        counts = Counter(word for unique_words in text_words for word in unique_words)
        columns_by_word = {
            word: i for i, word in enumerate(sorted(word for word, n in counts.items() if n >= self.min_count))
        }
        entries = [
            (row, columns_by_word[word])
            for row, unique_words in enumerate(text_words)
            for word in unique_words
            if word in columns_by_word
        ]
        rows, columns = zip(*entries, strict=True) if entries else ((), ())
        marks = csr_matrix(([1.0] * len(entries), (rows, columns)), shape=(len(text_words), len(columns_by_word)))
        return compare_rates(marks, contrasts)


@lru_cache(maxsize=100_000)  # the reference is tokenised repeatedly
def _unique_words(text: str) -> frozenset[str]:
    return frozenset(text[start:end].lower() for start, end in split_words(text))
