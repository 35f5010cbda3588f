"""What an augmenter is: it is given all texts at once, so that one that has a model may read them in batches."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from satiety.core.registry import Component, Registry
from satiety.problems.base import Rewrite


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to rewrite."""

    text: str
    language: str
    """Its ISO 639-1 code, or ``und``."""
    seed: str
    """Of the only generator that its rewrites may draw from, so that they hang on no other text."""


class Augmenter(Component):
    """Rewrites texts such that they still mean much the same."""

    @abstractmethod
    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        """Yield the rewrites of each passage, in order: none equal to it and none blank; none where no good one is."""


class OneByOne(Augmenter):
    """An augmenter that looks at one text at a time."""

    @abstractmethod
    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        """Yield rewrites of ``text``, as above.

        Args:
            text: what to rewrite.
            language: its ISO 639-1 code, or ``und``.
            rng: the only source of chance.
        """

    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        for passage in passages:
            yield list(self.rewrite(passage.text, passage.language, random.Random(passage.seed)))


AUGMENTERS: Registry[Augmenter] = Registry("augmenter", "satiety.levers.augment")
