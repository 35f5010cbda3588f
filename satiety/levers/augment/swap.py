"""Random swaps of words. Source: Wei & Zou 2019, EDA, arXiv:1901.11196, section 2."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import assemble, find_movable, gaps
from satiety.problems.base import Rewrite


@AUGMENTERS.register("swap")
class Swap(OneByOne):
    """Swap random pairs of words; punctuation, spaces, negations and numbers stay in place."""

    alpha: float = Field(gt=0, le=1, default=0.1)
    """Number of swaps per word, at least one swap (α in EDA). The paper uses 0.05 to 0.1 for up to 5,000 examples."""
    copies: int = Field(ge=1, le=100, default=4)
    """Number of copies of each text. The paper uses 4 to 16, more for fewer examples."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        spans = find_movable(text)
        if len(spans) < 2:
            return
        gap_spans = gaps(text, spans)
        for _ in range(self.copies):
            order = list(spans)
            for _ in range(max(1, round(self.alpha * len(spans)))):
                i, j = rng.sample(range(len(spans)), 2)
                order[i], order[j] = order[j], order[i]
            parts = [part for gap, span in zip(gap_spans, order, strict=False) for part in (gap, span)]
            rewrite = assemble(text, [*parts, gap_spans[-1]])
            if rewrite.text != text:
                yield rewrite
