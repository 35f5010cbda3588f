"""Random deletion of words. Source: Wei & Zou 2019, EDA, arXiv:1901.11196, section 2."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import assemble, find_words
from satiety.problems.base import Rewrite


@AUGMENTERS.register("drop")
class Drop(OneByOne):
    """Leave each word out with a fixed probability, and with it the space after it."""

    probability: float = Field(gt=0, lt=1, default=0.1)
    """Chance that a word is left out (EDA's p, which is its α): 0.05 to 0.1 in the paper for up to 5,000 examples."""
    copies: int = Field(ge=1, le=100, default=2)
    """New texts made of each text, at most: one that lost no word is none."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        spans = find_words(text)
        for _ in range(self.copies):
            dropped = [span for span in spans if rng.random() < self.probability]
            if len(dropped) == len(spans) and dropped:
                dropped.remove(rng.choice(dropped))
            rewrite = assemble(text, _remaining_spans(text, dropped))
            if dropped and rewrite.text:
                yield rewrite


def _remaining_spans(text: str, dropped: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what lies between the words that go."""
    position = 0
    for start, end in dropped:
        yield position, start
        position = len(text) - len(text[end:].lstrip())
    yield position, len(text)
