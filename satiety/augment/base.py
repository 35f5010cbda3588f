"""What an augmenter is."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterator

from satiety.problems.base import Rewrite
from satiety.registry import Component, Registry


class Augmenter(Component):
    """Rewrites a text such that it still means much the same."""

    @abstractmethod
    def augment(self, text: str, language: str, rng: random.Random) -> Iterator[Rewrite]:
        """Yield rewrites of ``text``, none equal to it and none blank; nothing where the augmenter has no good one.

        Args:
            text: what to rewrite.
            language: its ISO 639-1 code, or ``und``.
            rng: the only source of chance.
        """


AUGMENTERS: Registry[Augmenter] = Registry("augmenter", "satiety.augment")
