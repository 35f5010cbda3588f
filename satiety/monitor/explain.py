"""Window and reference -> new terms, grown clusters and outlying texts of the window, for people to inspect.

Sources: terms: log-odds with an informative prior, Monroe et al. 2008, Political Analysis 16:372, section 3.3;
clusters: k-means (Lloyd 1982) of window and reference with equal total weights.
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
"""Average texts in a cluster, and maximum number of clusters."""
PRIOR = 10.0
"""Weight of the prior of a term, in texts."""
ALPHA = 0.05
"""Family-wise error over all words, or over all clusters."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word that has become more frequent."""

    word: str
    window: float
    """Share of the window's texts with the word."""
    reference: float
    z: float
    """Increase of its log-odds, in standard deviations."""
    example: str
    """A text with the word."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of similar texts in the window."""

    window: float
    """Share of the window's texts in the cluster."""
    reference: float
    terms: tuple[str, ...]
    """Words more frequent here than in the rest of the window."""
    examples: tuple[str, ...]
    """Texts nearest to the centre."""


def find_terms(reference: Sequence[str], window: Sequence[str], count: int) -> list[Term]:
    """Return the words that have become significantly more frequent, by decreasing z."""
    window_counts, reference_counts = count_word_texts(window), count_word_texts(reference)
    scores = {
        word: _score_rise(window_counts[word], len(window), reference_counts[word], len(reference))
        for word in window_counts
        if any(character.isalpha() for character in word)
    }
    threshold = _compute_threshold(len(scores))
    best = sorted((-z, word) for word, z in scores.items() if z > threshold)[:count]
    examples = {word: next(text for text in window if word in tokenize(text)) for _, word in best}
    return [
        Term(word, window_counts[word] / len(window), reference_counts[word] / len(reference), -z, examples[word])
        for z, word in best
    ]


def find_clusters(reference: TextSample, window: TextSample, count: int, seed: int) -> list[Cluster]:
    """Return the clusters that have grown significantly, by decreasing z."""
    from sklearn.cluster import KMeans

    if not count:
        return []
    centres = max(2, min(MOST, len(window) // PER_CLUSTER))
    embeddings = np.concatenate([window.embeddings, reference.embeddings])  # the window alone would overfit
    weights = np.repeat([1 / len(window), 1 / len(reference)], [len(window), len(reference)])
    kmeans = KMeans(centres, n_init=4, random_state=seed).fit(embeddings, sample_weight=weights * len(embeddings))
    window_labels, reference_labels = kmeans.labels_[: len(window)], kmeans.labels_[len(window) :]

    # z-test of the difference of two shares, cluster by cluster
    shares, reference_shares = (
        np.bincount(labels, minlength=centres) / len(labels) for labels in (window_labels, reference_labels)
    )
    variance = shares * (1 - shares) / len(window) + reference_shares * (1 - reference_shares) / len(reference)
    falls = (reference_shares - shares) / np.sqrt(variance + np.finfo(float).tiny)
    grown = [i for i in np.argsort(falls) if -falls[i] > _compute_threshold(centres)]
    return [
        Cluster(
            float(shares[i]),
            float(reference_shares[i]),
            *_summarize_cluster(window, window_labels, kmeans.cluster_centers_[i], int(i), count),
        )
        for i in grown[:count]
        if shares[i]
    ]


def find_outliers(window: TextSample, count: int) -> list[str]:
    """Return the texts with the largest distance from the training texts."""
    return [window.texts[i] for i in np.argsort(-window.distances, kind="stable")[:count]]


def _summarize_cluster(
    window: TextSample, labels: Floats, centre: Floats, cluster: int, count: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    member_rows, other_rows = np.flatnonzero(labels == cluster), np.flatnonzero(labels != cluster)
    cluster_terms = find_terms([window.texts[i] for i in other_rows], [window.texts[i] for i in member_rows], count)
    nearest = member_rows[np.argsort(-(window.embeddings[member_rows] @ centre), kind="stable")][:count]
    return tuple(term.word for term in cluster_terms), tuple(dict.fromkeys(window.texts[i] for i in nearest))


def _compute_threshold(hypotheses: int) -> float:
    """Return the one-sided critical z-value for so many tests (Bonferroni)."""
    return NormalDist().inv_cdf(1 - ALPHA / max(1, hypotheses))


def _score_rise(window_count: int, window: int, reference_count: int, reference: int) -> float:
    """Return the increase of a word's log-odds, in standard deviations."""
    if window_count + reference_count == window + reference:
        return 0.0  # every text has the word: infinite odds
    prior = PRIOR * (window_count + reference_count) / (window + reference)
    odds = (
        np.log((window_count + prior) / (window + PRIOR - window_count - prior)),
        np.log((reference_count + prior) / (reference + PRIOR - reference_count - prior)),
    )
    return float((odds[0] - odds[1]) / np.sqrt(1 / (window_count + prior) + 1 / (reference_count + prior)))
