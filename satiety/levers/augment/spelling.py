"""Spelling mistakes: English words replaced by common misspellings from nlpaug's dictionary.

Source: Coulombe 2018, "Text Data Augmentation Made Easy by Leveraging NLP Cloud APIs", arXiv:1812.04718, section 2.5.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import apply_noise, find_words, load_nlpaug
from satiety.problems.base import Rewrite

LANGUAGES = ("en", "und", "")
"""The dictionary is English; texts of unknown language are treated as English."""


@AUGMENTERS.register("spelling")
class Spelling(OneByOne):
    """Replace words by common misspellings. English only: texts in other languages get no copies.

    Some misspellings in the dictionary are other words (``like`` for ``luck``).
    """

    words: float = Field(gt=0, le=1, default=0.3)
    """Share of the words to misspell, at least one word. nlpaug's default is 0.3."""
    copies: int = Field(ge=1, le=100, default=2)
    """Maximum number of copies of each text."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        spans = find_words(text) if language in LANGUAGES else []
        for _ in range(self.copies if spans else 0):
            if rewrite := apply_noise(text, spans, _dictionary(self.words), rng):
                yield rewrite


@cache
def _dictionary(share: float) -> Any:
    """Load nlpaug's augmenter and sort its candidates, whose order otherwise differs between processes."""
    noise = load_nlpaug("word", "SpellingAug", aug_p=share, aug_max=None, include_reverse=False)
    for word, misspellings in noise.model.dict.items():
        noise.model.dict[word] = sorted(filter(None, misspellings))
    return noise
