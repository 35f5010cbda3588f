"""Insert a word of another text: an augmenter that needs all texts at once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from satiety.levers.augment.base import AUGMENTERS, Augmenter, Passage
from satiety.levers.augment.word_edits import assemble, find_words, is_cjk
from satiety.problems.base import Rewrite


@AUGMENTERS.register("made_up")
class MadeUp(Augmenter):
    """Insert a word of a random text after a word of each text."""

    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        words = sorted({passage.text[a:b] for passage in passages for a, b in find_words(passage.text)})
        for passage in passages:
            text, rng, places = passage.text, random.Random(passage.seed), find_words(passage.text)
            if not places:
                yield []
                continue
            _, end = rng.choice(places)
            space = "" if is_cjk(text[end - 1]) else " "
            yield [assemble(text, [(0, end), space + rng.choice(words), (end, len(text))])]
