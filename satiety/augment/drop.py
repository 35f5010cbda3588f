"""Random deletion of words. Source: Wei & Zou 2019, EDA, arXiv:1901.11196, section 2."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.augment.base import AUGMENTERS, OneByOne
from satiety.augment.rewriting import assemble, movable
from satiety.problems.base import Rewrite


@AUGMENTERS.register("drop")
class Drop(OneByOne):
    """Leave each word out with a fixed probability, and with it the space after it."""

    probability: float = Field(gt=0, lt=1, default=0.1)
    """Chance that a word is left out (EDA's p, which is its α): 0.05 to 0.1 in the paper for up to 5,000 examples."""
    copies: int = Field(ge=1, le=100, default=2)
    """New texts made of each text, at most: one that lost no word is none."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        places = movable(text)
        for _ in range(self.copies):
            gone = [place for place in places if rng.random() < self.probability]
            if len(gone) == len(places) and gone:
                gone.remove(rng.choice(gone))
            rewrite = assemble(text, _rest(text, gone))
            if gone and rewrite.text:
                yield rewrite


def _rest(text: str, gone: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what lies between the words that go."""
    at = 0
    for start, end in gone:
        yield at, start
        at = len(text) - len(text[end:].lstrip())
    yield at, len(text)
