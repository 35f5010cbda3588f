"""BM25 retrieval: no model, suitable for millions of documents.

Source: Yao et al. 2021, "NLP From Scratch Without Large-Scale Pretraining", arXiv:2111.04130, section 2.2: BM25 with
the training texts as queries. Here the texts of a stratum are joined into one query, which found more documents of the
problem's own sources and of the right class than one query per text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.records import Document, Example
from satiety.core.section import MAX_COUNT
from satiety.levers.retrieve.base import RETRIEVERS, Hit, Retriever
from satiety.levers.retrieve.scoring import search_by_words

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@RETRIEVERS.register("bm25")
class Bm25(Retriever):
    """Find documents by BM25, with the training texts as queries."""

    documents: int = Field(ge=1, le=MAX_COUNT, default=2000, examples=[3])
    """Maximum number of documents to find, over all strata."""
    k1: float = Field(gt=0, le=3, default=1.2)
    """Saturation of term frequency: usually 1.2 to 2 (Robertson & Zaragoza 2009). Lucene's default is 1.2."""
    b: float = Field(ge=0, le=1, default=0.75)
    """Length normalisation, from 0 (none) to 1 (full). Lucene's default is 0.75."""

    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        matches = search_by_words(documents, queries, self.documents, k1=self.k1, b=self.b)
        return [Hit(index, score, f"bm25 {score:.1f} for {stratum!r}", stratum) for index, stratum, score in matches]
