"""A random sample of the corpus, for levers that need raw texts but no search."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.records import Document, Example
from satiety.core.section import MAX_COUNT, Seed
from satiety.levers.retrieve.base import RETRIEVERS, Hit, Retriever

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@RETRIEVERS.register("sample")
class RandomSample(Retriever):
    """Draw a random sample of the documents."""

    documents: int = Field(ge=1, le=MAX_COUNT, default=2000, examples=[3])
    """Maximum number of documents."""
    seed: Seed
    """Random seed of the sample."""

    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        def draw_key(index: int) -> bytes:
            return hashlib.sha256(f"{self.seed}/{documents[index].id}".encode()).digest()

        indices = sorted(range(len(documents)), key=draw_key)[: self.documents]
        return [Hit(index, 1.0, "drawn at random for 'any'", "any") for index in indices]
