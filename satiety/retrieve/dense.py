"""Retrieval by meaning alone: exact cosines, for corpora of up to some ten thousand documents.

Source: Reimers & Gurevych 2019, Sentence-BERT, arXiv:1908.10084. The base model's embeddings, as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.records import Document, Example
from satiety.retrieve.base import RETRIEVERS, Hit, Retriever
from satiety.retrieve.scoring import by_meaning
from satiety.section import MOST

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@RETRIEVERS.register("dense")
class Dense(Retriever):
    """Find the documents whose embedding lies nearest to that of a training example."""

    documents: int = Field(ge=1, le=MOST, default=2000, examples=[3])
    """Most documents to find, all strata together. The whole corpus is embedded, whatever this says."""

    def find(self, documents: Sequence[Document], wanted: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        return [
            Hit(place, score, f"cosine {score:.2f} with {near} of {group!r}", group)
            for place, group, score, near in by_meaning(documents, wanted, self.documents, embed)
        ]
