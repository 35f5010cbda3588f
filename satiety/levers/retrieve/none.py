"""No retrieval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from satiety.core.records import Document, Example
from satiety.levers.retrieve.base import RETRIEVERS, Hit, Retriever

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@RETRIEVERS.register("none")
class NoRetrieval(Retriever):
    """Retrieve no documents."""

    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        return []
