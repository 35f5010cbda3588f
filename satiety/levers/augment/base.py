"""The interface of augmenters: all texts are passed at once, so that augmenters with a model can use batches."""

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
    """ISO 639-1 code, or ``und``."""
    seed: str
    """Seed of the random generator for its rewrites, which therefore do not depend on other texts."""


class Augmenter(Component):
    """Rewrites texts without changing their meaning much."""

    @abstractmethod
    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        """Yield the list of rewrites of each passage, in order; a rewrite is never blank or equal to the passage."""


class OneByOne(Augmenter):
    """An augmenter that rewrites one text at a time."""

    @abstractmethod
    def rewrite(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        """Yield rewrites of a text, as for ``augment``.

        Args:
            text: the text to rewrite.
            language: ISO 639-1 code, or ``und``.
            rng: the only source of randomness.
        """

    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        for passage in passages:
            yield list(self.rewrite(passage.text, passage.language, random.Random(passage.seed)))


AUGMENTERS: Registry[Augmenter] = Registry("augmenter", "satiety.levers.augment")
