"""A window and its reference -> what is new in it: terms, clusters, and single texts, for people to look at.

Sources: terms by the log-odds of a word with an informative prior: Monroe et al. 2008, Political Analysis 16:372,
section 3.3; clusters: k-means (Lloyd 1982) of window and reference, which weigh alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from satiety.monitor.shift_features import count_word_texts, tokenize

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats

PER_CLUSTER, MOST = 25, 12
"""Texts that a cluster has on average, and clusters at most."""
PRIOR = 10.0
"""Texts that the prior of a term weighs."""
ALPHA = 0.05
"""Chance that of all words, or of all groups, one is called new that is not."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word that came to be more frequent."""

    word: str
    window: float
    """Share of the window's texts that have it."""
    reference: float
    z: float
    """Standard deviations by which its log-odds have risen."""
    example: str
    """A text with it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Texts of the window that lie together."""

    window: float
    """Share of the window's texts that lie in it."""
    reference: float
    terms: tuple[str, ...]
    """That mark it off from the rest of the window."""
    examples: tuple[str, ...]
    """Those nearest to its centre."""


def find_terms(reference: Sequence[str], window: Sequence[str], count: int) -> list[Term]:
    """Return words that more of the window's texts have, the surest first."""
    window_counts, reference_counts = count_word_texts(window), count_word_texts(reference)
    scored_words = [
        (_score_rise(window_counts[word], len(window), reference_counts[word], len(reference)), word)
        for word in window_counts
        if _has_letters(word)
    ]
    threshold = _compute_threshold(len(scored_words))
    best = sorted(((z, word) for z, word in scored_words if z > threshold), key=lambda scored: (-scored[0], scored[1]))[
        :count
    ]
    examples = {word: next(text for text in window if word in tokenize(text)) for _, word in best}
    return [
        Term(w, window_counts[w] / len(window), reference_counts[w] / len(reference), z, examples[w]) for z, w in best
    ]


def find_clusters(reference: TextSample, window: TextSample, count: int, seed: int) -> list[Cluster]:
    """Return groups of the window's texts that have grown, the most grown first."""
    from sklearn.cluster import KMeans

    if not count:
        return []
    centres = max(2, min(MOST, len(window) // PER_CLUSTER))
    embeddings = np.concatenate(
        [window.embeddings, reference.embeddings]
    )  # of the window alone they would fit its chance
    weights = np.repeat([1 / len(window), 1 / len(reference)], [len(window), len(reference)])
    kmeans = KMeans(centres, n_init=4, random_state=seed).fit(embeddings, sample_weight=weights * len(embeddings))
    window_labels, reference_labels = kmeans.labels_[: len(window)], kmeans.labels_[len(window) :]
    reference_shares, window_shares = (
        np.bincount(labels, minlength=centres) / len(labels) for labels in (reference_labels, window_labels)
    )
    spread = np.sqrt(
        window_shares * (1 - window_shares) / len(window)
        + reference_shares * (1 - reference_shares) / len(reference)
        + np.finfo(float).tiny
    )
    grown = [
        i
        for i in np.argsort((reference_shares - window_shares) / spread)
        if (window_shares - reference_shares)[i] / spread[i] > _compute_threshold(centres)
    ]
    return [
        Cluster(
            float(window_shares[i]),
            float(reference_shares[i]),
            *_summarize_cluster(window, window_labels, kmeans.cluster_centers_[i], int(i), count),
        )
        for i in grown[:count]
        if window_shares[i]
    ]


def find_outliers(window: TextSample, count: int) -> list[str]:
    """Return the texts farthest from the training texts."""
    return [window.texts[i] for i in np.argsort(-window.distances, kind="stable")[:count]]


def _summarize_cluster(
    window: TextSample, labels: Floats, centre: Floats, cluster: int, count: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    member_rows, other_rows = np.flatnonzero(labels == cluster), np.flatnonzero(labels != cluster)
    cluster_terms = find_terms([window.texts[i] for i in other_rows], [window.texts[i] for i in member_rows], count)
    nearest = member_rows[np.argsort(-(window.embeddings[member_rows] @ centre), kind="stable")][:count]
    return tuple(term.word for term in cluster_terms), tuple(dict.fromkeys(window.texts[i] for i in nearest))


def _compute_threshold(hypotheses: int) -> float:
    """Return the standard deviations from which one of so many is called new (Bonferroni)."""
    return NormalDist().inv_cdf(1 - ALPHA / max(1, hypotheses))


def _score_rise(window_count: int, window: int, reference_count: int, reference: int) -> float:
    """Return by how many standard deviations a word's log-odds have risen."""
    if window_count + reference_count == window + reference:
        return 0.0  # in every text of both, whose odds are infinite
    prior = PRIOR * (window_count + reference_count) / (window + reference)
    odds = (
        np.log((window_count + prior) / (window + PRIOR - window_count - prior)),
        np.log((reference_count + prior) / (reference + PRIOR - reference_count - prior)),
    )
    return float((odds[0] - odds[1]) / np.sqrt(1 / (window_count + prior) + 1 / (reference_count + prior)))


def _has_letters(word: str) -> bool:
    """Return whether a word is more than marks and digits."""
    return any(character.isalpha() for character in word)
