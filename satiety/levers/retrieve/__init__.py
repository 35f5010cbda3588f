"""Lever `retrieve`: find the documents of a large corpus that bear on the problem.

Training examples are what is searched for, stratum by stratum (class by class), so that a rare class finds its share.
What gives away a development or test text is dropped, with its reason.
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
"""Languages of a text too short or too mixed to tell: never a reason to leave it out."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN = 10_000
"""Characters of a rejected text that the quarantine keeps."""


class Retrieve(Section):
    """What to look for, and how."""

    retriever: SerializeAsAny[Annotated[Retriever, RETRIEVERS.choice("hybrid")]] = Field(
        default_factory=RETRIEVERS.default("hybrid")
    )
    """How documents are found; ``none`` finds nothing."""
    prefix: str
    """Put before every text that is embedded; models of the E5 family want ``query: ``, most want nothing."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a document is a copy of a dev or test text, and goes."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return what the file says of the lever of this kind that is in use; without one, nothing is looked for."""
        return find_active(values, "retrieve", {"retriever": {"kind": "none"}})


@dataclass(frozen=True, slots=True)
class RetrievedDocuments:
    """What a retrieval gave."""

    documents: list[Document]
    """What was kept, each with score and reason; every stratum in turn, its best first."""
    rejected: list[Rejection]
    """What was found and gives away a dev or test text."""
    numbers: dict[str, Any]
    """What the stage reports."""


def retrieve(
    documents: Sequence[Document],
    train: Sequence[Example],
    held_out: Sequence[Example],
    *,
    stratum: Callable[[Example], str],
    embed: Embed,
    params: Retrieve,
) -> RetrievedDocuments:
    """Find what bears on the training examples, and drop what gives away the ``held_out`` ones.

    Args:
        documents: the corpus.
        train: what is searched for.
        held_out: the dev and test examples.
        stratum: gives the class that a training example stands for (``Problem.stratum``).
        embed: turns texts into unit vectors; called at most once, and only by retrievers that need it.
        params: the section.

    Raises:
        DataError: there is nothing to search for.
    """
    if not train:
        raise DataError(
            "retrieve: no training example to search for; look at reports/validate.json for where they went"
        )
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
        detail=f"gives away a dev or test text; was found by {hit.reason}",
        twin=twin,
        text=document.text[:SHOWN],
    )


def _summarize(corpus: Sequence[Document], retained: Sequence[Document], hits: Sequence[Hit]) -> dict[str, Any]:
    """Compare what was found with the corpus; every number is 0, or absent, where nothing was found."""
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
    """Return the share of documents that came from a labelled source, their label taken off."""
    return sum(document.origin == "unlabelled" for document in documents) / max(1, len(documents))
