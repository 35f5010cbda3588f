"""Neighbouring characters of a word change places, by nlpaug.

Source: Belinkov & Bisk 2018, "Synthetic and Natural Noise Both Break NMT", arXiv:1711.02173, section 3.2.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.core.section import MAX_COUNT
from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import apply_noise, find_words, load_nlpaug
from satiety.problems.base import Rewrite


@AUGMENTERS.register("char_swap")
class CharSwap(OneByOne):
    """Swap neighbouring characters inside some words; in Chinese inside words of the segmenter, never across."""

    words: float = Field(gt=0, le=1, default=0.3)
    """Share of the words that are changed, at least one; nlpaug's default is 0.3."""
    characters: float = Field(gt=0, le=1, default=0.1)
    """Share of such a word's characters that move, at least one; nlpaug's default is 0.3."""
    min_characters: int = Field(ge=2, le=MAX_COUNT, default=2)
    """Characters of the shortest word that may be changed: nlpaug's default is 4; 2 is what most Chinese words have."""
    copies: int = Field(ge=1, le=100, default=2)
    """New texts made of each text, at most."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        noise = load_nlpaug(
            "char",
            "RandomCharAug",
            action="swap",
            aug_word_p=self.words,
            aug_word_max=None,
            aug_char_p=self.characters,
            aug_char_max=None,
            min_char=self.min_characters,
        )
        spans = find_words(text)
        for _ in range(self.copies):
            if rewrite := apply_noise(text, spans, noise, rng):
                yield rewrite
