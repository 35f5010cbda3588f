"""The interface of augmenters: all texts are passed at once, so that augmenters with a model can use batches."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from satiety.core.registry import Component, Registry
from satiety.problems.base import Rewrite

if TYPE_CHECKING:
    from satiety.problems.base import Problem


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to rewrite."""

    text: str
    language: str
    """ISO 639-1 code, or ``und``."""
    seed: str
    """Seed of the random generator for its rewrites, which therefore do not depend on other texts."""
    mentions: tuple[tuple[int, int, str], ...] = ()
    """Start, end and type of the mentions that the answer names in this text; only for augmenters that read labels."""
    names: tuple[str, ...] = ()
    """Labels of the answer in words, where they say something; only for augmenters that read labels."""


class Augmenter(Component):
    """Rewrites texts without changing their meaning much."""

    reads_labels: ClassVar[bool] = False
    """Whether rewrites depend on the answers of examples. Then the copies of a run are made from its own labels."""

    def refusals(self, problem: Problem) -> list[str]:
        """Return the reasons, one sentence each, why the augmenter does not support a problem."""
        return []

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
