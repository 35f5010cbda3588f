"""What a retriever is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from satiety.core.records import Document, Example
from satiety.core.registry import Component, Registry

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@dataclass(frozen=True, slots=True)
class Hit:
    """One document that bears on the problem."""

    index: int
    """Index in the sequence that was searched."""
    score: float
    """How well it bears on it; larger is better, and comparable within one search only."""
    reason: str
    """Why, in words."""
    stratum: str
    """The stratum it was found for."""


class Retriever(Component):
    """Finds the documents that bear on training examples."""

    @abstractmethod
    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        """Return hits, no document twice; the strata take turns, each giving its best document that is still free.

        Args:
            documents: at least one.
            queries: training examples by stratum, at least one.
            embed: texts -> unit vectors; costs a model's loading, so call it once, or never.
        """


RETRIEVERS: Registry[Retriever] = Registry("retriever", "satiety.levers.retrieve")
