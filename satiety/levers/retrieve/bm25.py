"""Retrieval by words alone: no model, a corpus of millions.

Source: Yao et al. 2021, "NLP From Scratch Without Large-Scale Pretraining", arXiv:2111.04130, section 2.2: retrieve by
BM25 with the problem's texts as queries. Ours pools the texts of a stratum into one query: more of what it finds comes
from the problem's own sources than with a query per text, and more of it belongs to the class it was found for.
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
    """Find the documents that share the most telling words with the training texts."""

    documents: int = Field(ge=1, le=MAX_COUNT, default=2000, examples=[3])
    """Most documents to find, all strata together."""
    k1: float = Field(gt=0, le=3, default=1.2)
    """How soon a repeated word stops counting: 1.2 to 2 (Robertson & Zaragoza 2009); 1.2 is Lucene's default."""
    b: float = Field(ge=0, le=1, default=0.75)
    """How far long documents are marked down, from 0 (not) to 1 (fully); 0.75 is Lucene's default."""

    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        matches = search_by_words(documents, queries, self.documents, k1=self.k1, b=self.b)
        return [Hit(index, score, f"bm25 {score:.1f} for {stratum!r}", stratum) for index, stratum, score in matches]
