"""Random deletion of words. Source: Wei & Zou 2019, EDA, arXiv:1901.11196, section 2."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, OneByOne
from satiety.levers.augment.word_edits import assemble, find_movable, find_words
from satiety.problems.base import Rewrite


@AUGMENTERS.register("drop")
class Drop(OneByOne):
    """Delete each word, with the space after it, with a fixed probability; never a negation or a number."""

    probability: float = Field(gt=0, lt=1, default=0.1)
    """Probability of deleting a word (α in EDA). The paper uses 0.05 to 0.1 for up to 5,000 examples."""
    copies: int = Field(ge=1, le=100, default=2)
    """Maximum number of copies of each text; copies without a deletion are dropped."""

    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        spans = find_movable(text)
        for _ in range(self.copies):
            dropped = [span for span in spans if rng.random() < self.probability]
            if len(dropped) == len(find_words(text)) and dropped:
                dropped.remove(rng.choice(dropped))
            rewrite = assemble(text, _remaining_spans(text, dropped))
            if dropped and rewrite.text:
                yield rewrite


def _remaining_spans(text: str, dropped: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans between the dropped words."""
    position = 0
    for start, end in dropped:
        yield position, start
        position = len(text) - len(text[end:].lstrip())
    yield position, len(text)
