"""Random marks between words. Source: Karimi, Rossi & Prati 2021, AEDA, arXiv:2108.13230, section 3."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import assemble, find_words, is_cjk
from satiety.problems.base import Rewrite

MARKS = ".;?:!,"
"""The paper's six."""
WIDE = str.maketrans(MARKS, "。；？：！，")


@AUGMENTERS.register("punctuate")
class Punctuate(OneByOne):
    """Put punctuation marks before random words; every word stays in its place. Chinese gets Chinese marks."""

    share: float = Field(gt=0, le=1, default=0.3)
    """Most marks per word; how many is drawn between one and that. The paper: a third of the words."""
    copies: int = Field(ge=1, le=100, default=2)
    """New texts made of each text."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        starts = [start for start, _ in find_words(text)]
        for _ in range(self.copies if starts else 0):
            count = rng.randint(1, max(1, int(self.share * len(starts))))
            parts: list[tuple[int, int] | str] = []
            position = 0
            for start in sorted(rng.sample(starts, count)):
                mark = rng.choice(MARKS)
                parts += [(position, start), mark.translate(WIDE) if is_cjk(text[start]) else f"{mark} "]
                position = start
            yield assemble(text, [*parts, (position, len(text))])
