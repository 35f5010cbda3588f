"""Dense retrieval by exact cosine similarity, for corpora of up to some ten thousand documents.

Source: Reimers & Gurevych 2019, Sentence-BERT, arXiv:1908.10084. Embeddings are those of the base model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.records import Document, Example
from satiety.core.section import MAX_COUNT
from satiety.levers.retrieve.base import RETRIEVERS, Hit, Retriever
from satiety.levers.retrieve.scoring import search_by_embedding

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@RETRIEVERS.register("dense")
class Dense(Retriever):
    """Find the documents whose embeddings are most similar to those of training examples."""

    documents: int = Field(ge=1, le=MAX_COUNT, default=2000, examples=[3])
    """Maximum number of documents to find, over all strata. The whole corpus is embedded in any case."""

    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        return [
            Hit(index, score, f"cosine {score:.2f} with {example_id} of {stratum!r}", stratum)
            for index, stratum, score, example_id in search_by_embedding(documents, queries, self.documents, embed)
        ]
