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

from satiety.drift.signs import held, vocabulary

if TYPE_CHECKING:
    from satiety.drift.sample import Sample
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


def terms(reference: Sequence[str], window: Sequence[str], count: int) -> list[Term]:
    """Return words that more of the window's texts have, the surest first."""
    here, there = vocabulary(window), vocabulary(reference)
    risen = [(_risen(here[word], len(window), there[word], len(reference)), word) for word in here if _worded(word)]
    telling = _telling(len(risen))
    best = sorted(((z, word) for z, word in risen if z > telling), key=lambda one: (-one[0], one[1]))[:count]
    shown = {word: next(text for text in window if word in held(text)) for _, word in best}
    return [Term(w, here[w] / len(window), there[w] / len(reference), z, shown[w]) for z, w in best]


def clusters(reference: Sample, window: Sample, count: int, seed: int) -> list[Cluster]:
    """Return groups of the window's texts that have grown, the most grown first."""
    from sklearn.cluster import KMeans

    if not count:
        return []
    centres = max(2, min(MOST, len(window) // PER_CLUSTER))
    both = np.concatenate([window.embeddings, reference.embeddings])  # of the window alone they would fit its chance
    weights = np.repeat([1 / len(window), 1 / len(reference)], [len(window), len(reference)])
    found = KMeans(centres, n_init=4, random_state=seed).fit(both, sample_weight=weights * len(both))
    mine, others = found.labels_[: len(window)], found.labels_[len(window) :]
    before, now = (np.bincount(part, minlength=centres) / len(part) for part in (others, mine))
    spread = np.sqrt(now * (1 - now) / len(window) + before * (1 - before) / len(reference) + np.finfo(float).tiny)
    grown = [i for i in np.argsort((before - now) / spread) if (now - before)[i] / spread[i] > _telling(centres)]
    return [
        Cluster(float(now[i]), float(before[i]), *_shown(window, mine, found.cluster_centers_[i], int(i), count))
        for i in grown[:count]
        if now[i]
    ]


def strangest(window: Sample, count: int) -> list[str]:
    """Return the texts farthest from the training texts."""
    return [window.texts[i] for i in np.argsort(-window.distances, kind="stable")[:count]]


def _shown(
    window: Sample, labels: Floats, centre: Floats, cluster: int, count: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    inside, outside = np.flatnonzero(labels == cluster), np.flatnonzero(labels != cluster)
    marking = terms([window.texts[i] for i in outside], [window.texts[i] for i in inside], count)
    near = inside[np.argsort(-(window.embeddings[inside] @ centre), kind="stable")][:count]
    return tuple(term.word for term in marking), tuple(dict.fromkeys(window.texts[i] for i in near))


def _telling(tried: int) -> float:
    """Return the standard deviations from which one of so many is called new (Bonferroni)."""
    return NormalDist().inv_cdf(1 - ALPHA / max(1, tried))


def _risen(here: int, window: int, there: int, reference: int) -> float:
    """Return by how many standard deviations a word's log-odds have risen."""
    if here + there == window + reference:
        return 0.0  # in every text of both, whose odds are infinite
    prior = PRIOR * (here + there) / (window + reference)
    odds = (
        np.log((here + prior) / (window + PRIOR - here - prior)),
        np.log((there + prior) / (reference + PRIOR - there - prior)),
    )
    return float((odds[0] - odds[1]) / np.sqrt(1 / (here + prior) + 1 / (there + prior)))


def _worded(word: str) -> bool:
    """Return whether a word is more than marks and digits."""
    return any(character.isalpha() for character in word)
