"""The interface of retrievers."""

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
    """A retrieved document."""

    index: int
    """Index in the searched sequence."""
    score: float
    """Relevance: larger is better; comparable within one search only."""
    reason: str
    """Explanation for reports, such as ``bm25 12.3 for 'sports'``."""
    stratum: str
    """Stratum of the query."""


class Retriever(Component):
    """Finds documents similar to training examples."""

    @abstractmethod
    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        """Return distinct hits; strata take turns, each with its best document not yet returned.

        Args:
            documents: documents to search, at least one.
            queries: training examples by stratum, at least one.
            embed: function from texts to unit vectors; loads a model, so call it at most once.
        """


RETRIEVERS: Registry[Retriever] = Registry("retriever", "satiety.levers.retrieve")
