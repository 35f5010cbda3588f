"""Mistakes that people make: English words replaced by a known misspelling of theirs, by nlpaug and its dictionary.

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
"""The dictionary is English; a text whose language nobody can tell may be."""


@AUGMENTERS.register("spelling")
class Spelling(OneByOne):
    """Misspell some words. English only: other texts, Chinese among them, get no copies.

    Some of the dictionary's mistakes are words of their own (``luck`` written ``like``).
    """

    words: float = Field(gt=0, le=1, default=0.3)
    """Share of the words that are misspelt, at least one; nlpaug's default is 0.3."""
    copies: int = Field(ge=1, le=100, default=2)
    """New texts made of each text, at most."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        spans = find_words(text) if language in LANGUAGES else []
        for _ in range(self.copies if spans else 0):
            if rewrite := apply_noise(text, spans, _dictionary(self.words), rng):
                yield rewrite


@cache
def _dictionary(share: float) -> Any:
    """Load nlpaug's augmenter and sort its candidates: they come in the order of a set, which differs by process."""
    noise = load_nlpaug("word", "SpellingAug", aug_p=share, aug_max=None, include_reverse=False)
    for word, misspellings in noise.model.dict.items():
        noise.model.dict[word] = sorted(filter(None, misspellings))
    return noise
