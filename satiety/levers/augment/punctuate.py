"""Random punctuation marks. Source: Karimi, Rossi & Prati 2021, AEDA, arXiv:2108.13230, section 3."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import assemble, find_words, is_cjk
from satiety.problems.base import Rewrite

MARKS = ".;?:!,"
"""The six marks of the paper."""
WIDE = str.maketrans(MARKS, "。；？：！，")


@AUGMENTERS.register("punctuate")
class Punctuate(OneByOne):
    """Insert punctuation marks before random words (Chinese marks in Chinese texts)."""

    share: float = Field(gt=0, le=1, default=0.3)
    """Maximum number of marks per word; the number is drawn between one and that. The paper uses 1/3."""
    copies: int = Field(ge=1, le=100, default=2)
    """Number of copies of each text."""

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
