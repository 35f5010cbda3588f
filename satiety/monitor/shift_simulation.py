"""Labelled texts and their rewrites -> simulated shifts: windows of shifted data with their known change of score.

A scenario reweights labels or topics, replaces a share of the texts by rewrites, or both. Its true score is the
weighted score of all texts. The estimator (`estimate.py`) learns from these windows how features predict the change, on
the user's problem and in any language.

The confidence estimate of a score uses the tallies that the class probabilities imply (`Problem.estimate_tallies`). It
is biased when a shift makes the model overconfident; the simulated shifts show by how much.

Sources: estimation of accuracy on unlabelled data from distorted labelled sets: Deng & Zheng 2021, arXiv:2007.02915;
Guillory et al. 2021, arXiv:2107.03315. Score of the expected confusion matrix (CBPE): Kivimäki et al. 2025,
arXiv:2505.05295.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.monitor.shift_features import compute_shift_features, count_word_texts, extract_text_features

if TYPE_CHECKING:
    from numpy.random import Generator

    from satiety.evaluate.bootstrap import Groups
    from satiety.monitor.sample import Indices, TextSample
    from satiety.problems import Problem
    from satiety.problems.base import Floats

SPLITS = 4
"""Random halvings of the labelled texts; each half is in turn the source of windows and the reference."""
SCENARIOS = ("same", "labels", "topic", "writing", "writing", "all")
"""Kinds of shift; writing has double weight, because rewrites vary most."""
PRIOR = 1.2
"""Maximum standard deviation of the log weights of the labels."""
TOPIC = (0.1, 0.6)
"""Range of a topic's share of the texts, as Kish's effective sample size of the weighted texts."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Labelled texts, then their rewrites of each kind in the same order, with predictions."""

    sample: TextSample
    tallies: Floats
    """Tallies of the predictions, `Problem.tally`, shape (texts and rewrites, counts)."""
    strata: Sequence[str]
    """Stratum of each text, usually its label."""
    groups: Groups
    """Group number of each text, shape (texts,); near-duplicates share a group."""

    @property
    def reference(self) -> TextSample:
        """The labelled texts, without rewrites."""
        return self.sample.take(np.arange(len(self.strata)))

    def expand_indices(self, indices: Indices) -> Indices:
        """Return the indices of these texts and of all their rewrites."""
        blocks = len(self.sample) // len(self.strata)
        return np.concatenate([indices + block * len(self.strata) for block in range(blocks)])


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedShifts:
    """Simulated windows with their changes of score."""

    features: Floats
    """Shift features, shape (windows, features)."""
    changes: Floats
    """True score of the scenario − score of the original texts, shape (windows,)."""
    confidence_changes: Floats
    """Change of the confidence estimate, window against reference, shape (windows,)."""
    halves: Floats
    """Half that each window is drawn from, shape (windows,); halves 0 and 1 share no text, nor do 2 and 3, …"""


def estimate_score(problem: Problem, tallies: Floats) -> float:
    """Return the headline metric of tallies, shape (texts, counts); 0 if there are none."""
    return float(problem.score(tallies)[problem.headline]) if tallies.size else 0.0


def simulate_shift(pool: Pool, problem: Problem, *, size: int, count: int, seed: int) -> SimulatedShifts:
    """Return windows drawn from random scenarios.

    Args:
        pool: labelled texts and rewrites.
        problem: the problem of the model.
        size: texts per window.
        count: total number of windows, a multiple of ``2 * SPLITS``.
        seed: random seed.
    """
    features: list[Floats] = []
    changes: list[tuple[float, float]] = []
    rng, expected_tallies = np.random.default_rng(seed), problem.estimate_tallies(pool.sample.scores)
    for half in range(2 * SPLITS):
        if half % 2 == 0:
            parts = np.array_split(rng.permutation(len(pool.strata)), 2)
        window_rows, reference_rows = parts[half % 2], parts[1 - half % 2]
        reference_sample = pool.sample.take(reference_rows)
        word_counts = count_word_texts(reference_sample.texts)
        reference = extract_text_features(reference_sample, word_counts, max_count=1)
        expected_baseline = estimate_score(problem, expected_tallies[reference_rows])

        pool_rows = pool.expand_indices(window_rows)
        windows = extract_text_features(pool.sample.take(pool_rows), word_counts)
        strata, tallies = [pool.strata[i] for i in window_rows], pool.tallies[pool_rows]
        window_expected, baseline = expected_tallies[pool_rows], estimate_score(problem, tallies[: len(strata)])

        for _ in range(count // (2 * SPLITS)):
            weights = sample_scenario(windows.embeddings, strata, rng)
            rows = rng.choice(len(weights), size, p=weights)
            features.append(compute_shift_features(reference, windows.take(rows)))
            scenario_score = float(problem.score(tallies, weights[None])[problem.headline][0])
            expected_score = estimate_score(problem, window_expected[rows])
            changes.append((scenario_score - baseline, expected_score - expected_baseline))
    true_changes, confidence_changes = np.array(changes).T
    return SimulatedShifts(
        np.stack(features), true_changes, confidence_changes, np.repeat(np.arange(2 * SPLITS), count // (2 * SPLITS))
    )


def sample_scenario(embeddings: Floats, strata: Sequence[str], rng: Generator) -> Floats:
    """Return the probability of each text and rewrite in a random scenario; shape (texts and rewrites,).

    Args:
        embeddings: embeddings of the texts, then of their rewrites of each kind.
        strata: stratum of each text.
        rng: source of randomness.
    """
    scenario, count = rng.choice(SCENARIOS), len(strata)
    text_weights: Floats = np.ones(count)
    if scenario in ("labels", "all"):
        names, name_indices = np.unique(np.array(strata), return_inverse=True)
        text_weights = np.exp(rng.uniform(0, PRIOR) * rng.standard_normal(len(names)))[name_indices]
    if scenario == "topic":
        text_weights = _weight_topic(embeddings[:count], rng)
    text_weights = text_weights / text_weights.sum()
    kinds = len(embeddings) // count - 1
    if scenario not in ("writing", "all") or not kinds:
        return np.concatenate([text_weights, np.zeros(count * kinds)])
    share, kind = rng.uniform(0, 1), rng.integers(kinds)
    weights = np.zeros((kinds + 1, count))
    weights[0], weights[1 + kind] = (1 - share) * text_weights, share * text_weights
    return weights.ravel()


def _weight_topic(embeddings: Floats, rng: Generator) -> Floats:
    """Return weights that increase with the similarity to a random text."""
    similarities = (embeddings @ embeddings[rng.integers(len(embeddings))]).astype(np.float64)
    similarities, goal, low, high = similarities - similarities.max(), rng.uniform(*TOPIC), 0.0, 100.0
    for _ in range(30):
        slope = (low + high) / 2
        weights: Floats = np.exp(slope * similarities)
        is_wide = weights.sum() ** 2 / (weights**2).sum() > goal * len(similarities)
        low, high = (slope, high) if is_wide else (low, slope)
    return weights
