"""Lever `retrieve`: find the documents of a large corpus that are relevant to the problem.

The queries are the training examples, stratum by stratum (class by class), so that rare classes get their share.
Documents that duplicate a dev or test text are rejected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, SerializeAsAny

from satiety.core.active_levers import BLOCKS, find_active
from satiety.core.errors import DataError
from satiety.core.records import Document, Example, Rejection
from satiety.core.section import Section, SectionSource
from satiety.levers.retrieve.base import RETRIEVERS, Hit, Retriever
from satiety.text.deduplication import HeldOut

if TYPE_CHECKING:
    from satiety.problems.base import Embed

__all__ = ["RETRIEVERS", "Hit", "Retrieve", "RetrievedDocuments", "Retriever", "retrieve"]

UNKNOWN = ("und", "")
"""Codes of texts whose language could not be detected; they are never excluded."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN = 10_000
"""Maximum number of characters of a rejected text in the quarantine."""


class Retrieve(Section):
    """Retrieve documents of the corpus that are relevant to the problem."""

    retriever: SerializeAsAny[Annotated[Retriever, RETRIEVERS.choice("hybrid")]] = Field(
        default_factory=RETRIEVERS.default("hybrid")
    )
    """Search method; ``none`` turns retrieval off."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates; documents like
    a validation or test text are dropped."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return the active lever of kind retrieve; without one, nothing is retrieved."""
        return find_active(values, "retrieve", {"retriever": {"kind": "none"}})


@dataclass(frozen=True, slots=True)
class RetrievedDocuments:
    """Retrieved documents, rejected ones and counts."""

    documents: list[Document]
    """Retrieved documents with score and reason; strata take turns, the best document of each first."""
    rejected: list[Rejection]
    """Hits that duplicate a dev or test text."""
    numbers: dict[str, Any]
    """Numbers for the report."""


def retrieve(
    documents: Sequence[Document],
    train: Sequence[Example],
    held_out: Sequence[Example],
    *,
    stratum: Callable[[Example], str],
    embed: Embed,
    params: Retrieve,
) -> RetrievedDocuments:
    """Retrieve documents similar to the training examples, without duplicates of the ``held_out`` examples.

    Args:
        documents: the corpus.
        train: the queries.
        held_out: the dev and test examples.
        stratum: function from a training example to its class (``Problem.stratum``).
        embed: function from texts to unit vectors; called at most once, and only by retrievers that need it.
        params: the section.

    Raises:
        DataError: there is no training example.
    """
    if not train:
        raise DataError("retrieve: no training examples to search with: check reports/validate.json")
    languages = {example.language for example in train}.difference(UNKNOWN)
    candidates = [document for document in documents if not languages or document.language in {*languages, *UNKNOWN}]
    queries: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(train, key=lambda example: example.id):
        queries[stratum(example)].append(example)
    hits = params.retriever.find(candidates, dict(sorted(queries.items())), embed) if candidates else []
    clean, leaking = HeldOut.from_examples(held_out, params.dedup_threshold).partition(
        hits, lambda hit: candidates[hit.index].text
    )
    retained = [replace(candidates[hit.index], score=hit.score, reason=hit.reason) for hit in clean]
    rejected = [_reject(candidates[hit.index], hit, twin) for hit, twin in leaking]
    numbers = {"other_language": len(documents) - len(candidates), "contaminated": len(rejected)}
    return RetrievedDocuments(retained, rejected, numbers | _summarize(documents, retained, clean))


def _reject(document: Document, hit: Hit, twin: str) -> Rejection:
    return Rejection(
        id=document.id,
        source=document.source,
        reason="contaminated",
        detail=f"duplicates a dev or test text; found by {hit.reason}",
        twin=twin,
        text=document.text[:SHOWN],
    )


def _summarize(corpus: Sequence[Document], retained: Sequence[Document], hits: Sequence[Hit]) -> dict[str, Any]:
    """Return statistics of the retrieved documents; ``hidden`` is the share of unlabelled examples among them."""
    corpus_share, retained_share = _hidden_share(corpus), _hidden_share(retained)
    scores = np.quantile([hit.score for hit in hits], QUANTILES).round(4).tolist() if hits else []
    hidden: Mapping[str, float | None] = {
        "corpus": round(corpus_share, 4),
        "found": round(retained_share, 4),
        "lift": round(retained_share / corpus_share, 3) if corpus_share and retained else None,
    }
    return {
        "hidden": hidden,
        "score": {f"q{round(100 * q):02}": score for q, score in zip(QUANTILES, scores, strict=False)},
        "found_for": dict(sorted(Counter(hit.stratum for hit in hits).items())),
        "languages": dict(Counter(document.language or "und" for document in retained).most_common()),
    }


def _hidden_share(documents: Sequence[Document]) -> float:
    """Return the share of documents that are examples of a labelled source without their label."""
    return sum(document.origin == "unlabelled" for document in documents) / max(1, len(documents))
