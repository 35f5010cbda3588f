"""Swaps of neighbouring characters, by nlpaug.

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
    """Swap neighbouring characters inside some words (Chinese: inside words of the segmenter)."""

    words: float = Field(gt=0, le=1, default=0.3)
    """Share of the words to change, at least one word. nlpaug's default is 0.3."""
    characters: float = Field(gt=0, le=1, default=0.1)
    """Share of the characters of such a word to swap, at least one. nlpaug's default is 0.3."""
    min_characters: int = Field(ge=2, le=MAX_COUNT, default=2)
    """Minimum length of a word to change, in characters. nlpaug's default is 4; most Chinese words have 2."""
    copies: int = Field(ge=1, le=100, default=2)
    """Maximum number of copies of each text."""

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
