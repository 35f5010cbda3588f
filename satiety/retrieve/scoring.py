"""Documents and training examples -> a score for each document and stratum -> ranks.

Scores are rounded before they are ranked, and ties go by the documents' ids, never by their order in the corpus.
Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the index is bm25s
(Lù 2024, arXiv:2407.03618). A stratum's query is all its training texts put together.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.errors import SetupError
from satiety.progress import track
from satiety.records import Document, Example
from satiety.words import words

if TYPE_CHECKING:
    from satiety.problems.base import Embed, Floats

DECIMALS = 4
"""Digits of a score that count: what is equal so far is a tie."""


def terms(text: str) -> list[str]:
    """Return the words of a text as BM25 counts them: without case, Chinese segmented, marks included."""
    text = text.casefold()
    return [text[start:end] for start, end in words(text)]


def by_words(
    documents: Sequence[Document], wanted: Mapping[str, Sequence[Example]], keep: int, *, k1: float, b: float
) -> list[tuple[int, str, float]]:
    """Return (place, stratum, BM25 score) of the documents that share the most telling words with a stratum."""
    ids = [document.id for document in documents]
    ranked: dict[str, list[int]] = {}
    scores: dict[tuple[int, str], float] = {}
    for group, found in _bm25(documents, wanted, k1, b):
        ranked[group] = rank(found, ids, keep)
        scores |= {(place, group): float(found[place]) for place in ranked[group]}
    return [(place, group, scores[place, group]) for place, group in take_turns(ranked, keep)]


def by_meaning(
    documents: Sequence[Document], wanted: Mapping[str, Sequence[Example]], keep: int, embed: Embed
) -> list[tuple[int, str, float, str]]:
    """Return (place, stratum, cosine, id of the training example) of the documents nearest to one of a stratum's."""
    ids = [document.id for document in documents]
    examples = [example for members in wanted.values() for example in members]
    vectors = embed([example.text for example in examples] + [document.text for document in documents])
    queries, vectors = vectors[: len(examples)], vectors[len(examples) :]
    ranked: dict[str, list[int]] = {}
    why: dict[tuple[int, str], tuple[float, str]] = {}
    first = 0
    for group, members in wanted.items():
        similarity = np.round((vectors @ queries[first : first + len(members)].T).astype(np.float64), DECIMALS)
        first += len(members)
        scores, which = similarity.max(axis=1), similarity.argmax(axis=1)
        ranked[group] = rank(scores, ids, keep)
        why |= {(place, group): (float(scores[place]), members[which[place]].id) for place in ranked[group]}
    return [(place, group, *why[place, group]) for place, group in take_turns(ranked, keep)]


def _bm25(
    documents: Sequence[Document], wanted: Mapping[str, Sequence[Example]], k1: float, b: float
) -> Iterator[tuple[str, Floats]]:
    """Yield (stratum, BM25 score of every document); a word that no training text holds only counts as length."""
    queries = {group: [term for e in examples for term in terms(e.text)] for group, examples in wanted.items()}
    vocabulary = {term: i for i, term in enumerate(sorted({term for query in queries.values() for term in query}))}
    other = len(vocabulary)
    rows = [[vocabulary.get(term, other) for term in terms(document.text)] for document in track(documents, "words")]
    if all(place == other for row in rows for place in row):
        return  # nothing is shared, and BM25 cannot weigh documents that have no word at all
    index = _index(k1, b)
    index.index((rows, {**vocabulary, "": other}), create_empty_token=False, show_progress=False)
    for group, query in queries.items():
        scores = index.get_scores_from_ids([vocabulary[term] for term in query])
        yield group, np.round(scores.astype(np.float64), DECIMALS)


def _index(k1: float, b: float) -> Any:
    try:
        from bm25s import BM25
    except ImportError:
        raise SetupError("BM25 needs the extra `train`: pip install 'satiety[train]'") from None
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it sets DEBUG
    return BM25(method="lucene", k1=k1, b=b)


def rank(scores: Floats, ids: Sequence[str], keep: int) -> list[int]:
    """Return the places of the ``keep`` largest scores above 0, best first."""
    floor = np.partition(scores, -keep)[-keep] if keep < len(scores) else -np.inf
    places = np.flatnonzero((scores >= floor) & (scores > 0))
    return sorted(places.tolist(), key=lambda place: (-scores[place], ids[place]))[:keep]


def take_turns(ranked: Mapping[str, Sequence[int]], keep: int) -> list[tuple[int, str]]:
    """Let each stratum in turn take its best place that is still free, until ``keep`` are taken or none is left."""
    taken: dict[int, str] = {}
    waiting = {group: iter(places) for group, places in ranked.items()}
    while waiting and len(taken) < keep:
        for group, places in list(waiting.items()):
            place = next((place for place in places if place not in taken), None)
            if place is None:
                del waiting[group]
            elif len(taken) < keep:
                taken[place] = group
    return list(taken.items())
