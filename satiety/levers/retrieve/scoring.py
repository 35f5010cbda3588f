"""Documents and training examples -> ranked documents for each stratum, by BM25 or by embeddings.

Scores are rounded before ranking, and ties are ordered by document id, so that the order of the corpus has no effect.
Sources: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the index is bm25s
(Lù 2024, arXiv:2407.03618). The query of a stratum is all its training texts joined.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.errors import SetupError
from satiety.core.progress import track
from satiety.core.records import Document, Example
from satiety.text.words import split_words

if TYPE_CHECKING:
    from satiety.problems.base import Embed, Floats

DECIMALS = 4
"""Decimals that scores are rounded to before ranking."""


def terms(text: str) -> list[str]:
    """Return the terms of a text for BM25: case-folded words and punctuation, Chinese segmented."""
    text = text.casefold()
    return [text[start:end] for start, end in split_words(text)]


def search_by_words(
    documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], limit: int, *, k1: float, b: float
) -> list[tuple[int, str, float]]:
    """Return (index, stratum, BM25 score) of the documents with the best scores, strata taking turns."""
    ids = [document.id for document in documents]
    ranked: dict[str, list[int]] = {}
    scores: dict[tuple[int, str], float] = {}
    for stratum, group_scores in _bm25(documents, queries, k1, b):
        ranked[stratum] = rank(group_scores, ids, limit)
        scores |= {(index, stratum): float(group_scores[index]) for index in ranked[stratum]}
    return [(index, stratum, scores[index, stratum]) for index, stratum in interleave(ranked, limit)]


def search_by_embedding(
    documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], limit: int, embed: Embed
) -> list[tuple[int, str, float, str]]:
    """Return (index, stratum, cosine, id of the most similar training example) of the most similar documents."""
    ids = [document.id for document in documents]
    examples = [example for members in queries.values() for example in members]
    vectors = embed([example.text for example in examples] + [document.text for document in documents])
    query_vectors, vectors = vectors[: len(examples)], vectors[len(examples) :]
    ranked: dict[str, list[int]] = {}
    evidence: dict[tuple[int, str], tuple[float, str]] = {}
    offset = 0
    for stratum, members in queries.items():
        similarity = np.round((vectors @ query_vectors[offset : offset + len(members)].T).astype(np.float64), DECIMALS)
        offset += len(members)
        scores, nearest = similarity.max(axis=1), similarity.argmax(axis=1)
        ranked[stratum] = rank(scores, ids, limit)
        evidence |= {(index, stratum): (float(scores[index]), members[nearest[index]].id) for index in ranked[stratum]}
    return [(index, stratum, *evidence[index, stratum]) for index, stratum in interleave(ranked, limit)]


def _bm25(
    documents: Sequence[Document], queries: Mapping[str, Sequence[Example]], k1: float, b: float
) -> Iterator[tuple[str, Floats]]:
    """Yield (stratum, BM25 scores of all documents); words outside the queries only add to document length."""
    query_terms = {stratum: [term for e in examples for term in terms(e.text)] for stratum, examples in queries.items()}
    vocabulary = {term: i for i, term in enumerate(sorted({term for query in query_terms.values() for term in query}))}
    oov = len(vocabulary)
    rows = [[vocabulary.get(term, oov) for term in terms(document.text)] for document in track(documents, "words")]
    if all(token == oov for row in rows for token in row):
        return  # no document has a word of a query, and bm25s fails on documents without words
    index = _create_bm25(k1, b)
    index.index((rows, {**vocabulary, "": oov}), create_empty_token=False, show_progress=False)
    for stratum, query in query_terms.items():
        scores = index.get_scores_from_ids([vocabulary[term] for term in query])
        yield stratum, np.round(scores.astype(np.float64), DECIMALS)


def _create_bm25(k1: float, b: float) -> Any:
    try:
        from bm25s import BM25
    except ImportError:
        raise SetupError("BM25 needs the extra `train`: pip install 'satiety[train]'") from None
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it sets DEBUG
    return BM25(method="lucene", k1=k1, b=b)


def rank(scores: Floats, ids: Sequence[str], limit: int) -> list[int]:
    """Return the indices of the ``limit`` largest scores above 0, best first."""
    floor = np.partition(scores, -limit)[-limit] if limit < len(scores) else -np.inf
    indices = np.flatnonzero((scores >= floor) & (scores > 0))
    return sorted(indices.tolist(), key=lambda index: (-scores[index], ids[index]))[:limit]


def interleave(ranked: Mapping[str, Sequence[int]], limit: int) -> list[tuple[int, str]]:
    """Return (index, stratum): each stratum in turn takes its best index not yet taken, up to ``limit`` in total."""
    stratum_of: dict[int, str] = {}
    queues = {stratum: iter(indices) for stratum, indices in ranked.items()}
    while queues and len(stratum_of) < limit:
        for stratum, indices in list(queues.items()):
            index = next((index for index in indices if index not in stratum_of), None)
            if index is None:
                del queues[stratum]
            elif len(stratum_of) < limit:
                stratum_of[index] = stratum
    return list(stratum_of.items())
