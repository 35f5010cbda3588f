"""Keyboard typos: characters replaced by neighbouring keys, by nlpaug.

Source: Belinkov & Bisk 2018, "Synthetic and Natural Noise Both Break NMT", arXiv:1711.02173, section 3.2.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from satiety.core.section import MAX_COUNT
from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import apply_noise, find_words, is_cjk, load_nlpaug
from satiety.problems.base import Rewrite


@AUGMENTERS.register("keyboard")
class Keyboard(OneByOne):
    """Replace characters of some words by neighbouring keys. Chinese words are not changed."""

    layout: Literal["de", "en", "es", "fr", "he", "it", "nl", "pl", "th", "tr", "uk"] = Field(default="en")
    """Language of the keyboard layout."""
    words: float = Field(gt=0, le=1, default=0.3)
    """Share of the words with a typo, at least one word. nlpaug's default is 0.3."""
    characters: float = Field(gt=0, le=1, default=0.1)
    """Share of the characters of such a word to replace, at least one. nlpaug's default is 0.3."""
    min_characters: int = Field(ge=1, le=MAX_COUNT, default=4)
    """Minimum length of a word to change, in characters. nlpaug's default is 4."""
    copies: int = Field(ge=1, le=100, default=2)
    """Maximum number of copies of each text."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        noise = load_nlpaug(
            "char",
            "KeyboardAug",
            lang=self.layout,
            aug_word_p=self.words,
            aug_word_max=None,
            aug_char_p=self.characters,
            aug_char_max=None,
            min_char=self.min_characters,
            include_special_char=False,
            include_numeric=False,
            include_upper_case=False,
        )
        spans = [span for span in find_words(text) if not is_cjk(text[span[0]])]
        for _ in range(self.copies):
            if rewrite := apply_noise(text, spans, noise, rng):
                yield rewrite
