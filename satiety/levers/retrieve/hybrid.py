"""Retrieval by words, then by meaning: BM25 proposes, the base model's embedding ranks anew.

Source: the two steps of Nogueira & Cho 2019, "Passage Re-ranking with BERT", arXiv:1901.04085; ours compares
embeddings (Reimers & Gurevych 2019, arXiv:1908.10084), which needs no trained ranker.
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
    """Find candidates by their words; of these keep the ones nearest in meaning to a training example."""

    documents: int = Field(ge=1, le=MAX_COUNT, default=2000, examples=[3])
    """Most documents to find, all strata together."""
    candidates: int = Field(ge=1, le=MAX_COUNT, default=3000, examples=[6])
    """Documents that BM25 proposes; only these are embedded, which takes most of the time. At least ``documents``."""
    k1: float = Field(gt=0, le=3, default=1.2)
    """How soon a repeated word stops counting: 1.2 to 2 (Robertson & Zaragoza 2009); 1.2 is Lucene's default."""
    b: float = Field(ge=0, le=1, default=0.75)
    """How far long documents are marked down, from 0 (not) to 1 (fully); 0.75 is Lucene's default."""

    @model_validator(mode="after")
    def _check_candidates(self) -> Self:
        if self.candidates < self.documents:
            raise ValueError(f"{self.candidates} candidates cannot give {self.documents} documents; raise `candidates`")
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
