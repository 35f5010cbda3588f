"""Two-stage retrieval: BM25 selects candidates, embeddings of the base model re-rank them.

Source: the two stages of Nogueira & Cho 2019, "Passage Re-ranking with BERT", arXiv:1901.04085, with embeddings
(Reimers & Gurevych 2019, arXiv:1908.10084) instead of a trained ranker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from satiety.core.records import Document, Example
from satiety.core.section import MAX_COUNT
from satiety.levers.retrieve.base import RETRIEVERS, Hit, Retriever
from satiety.levers.retrieve.scoring import search_by_embedding, search_by_words

if TYPE_CHECKING:
    from satiety.problems.base import Embed


@RETRIEVERS.register("hybrid")
class Hybrid(Retriever):
    """Find candidates by BM25 and keep those whose embeddings are most similar to training examples."""

    documents: int = Field(ge=1, le=MAX_COUNT, default=2000, examples=[3])
    """Maximum number of documents to find, over all strata."""
    candidates: int = Field(ge=1, le=MAX_COUNT, default=3000, examples=[6])
    """Number of BM25 candidates, at least ``documents``. Only these are embedded, which takes most of the time."""
    k1: float = Field(gt=0, le=3, default=1.2)
    """Saturation of term frequency: usually 1.2 to 2 (Robertson & Zaragoza 2009). Lucene's default is 1.2."""
    b: float = Field(ge=0, le=1, default=0.75)
    """Length normalisation, from 0 (none) to 1 (full). Lucene's default is 0.75."""

    @model_validator(mode="after")
    def _check_candidates(self) -> Self:
        if self.candidates < self.documents:
            raise ValueError(f"candidates ({self.candidates}) must be at least documents ({self.documents})")
        return self

    def find(self, documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], embed: Embed) -> list[Hit]:
        proposed = search_by_words(documents, queries, self.candidates, k1=self.k1, b=self.b)
        if not proposed:
            return []
        reasons = [f"bm25 {score:.1f} for {stratum!r}" for _, stratum, score in proposed]
        hits = search_by_embedding([documents[index] for index, _, _ in proposed], queries, self.documents, embed)
        return [
            Hit(proposed[i][0], score, f"{reasons[i]}, cosine {score:.2f} with {example_id} of {stratum!r}", stratum)
            for i, stratum, score, example_id in hits
        ]
