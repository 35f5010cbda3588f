"""Labelled texts and rewrites of them -> rehearsals: windows of worlds that may come, with what each does to the score.

A world tilts which labels or which topics come, or how many of the texts are written otherwise, or several of these.
Its own score is known exactly: that of all texts, each with the weight it has there. So what the signs of a window mean
for the score is learned from the model's own answers and from the problem at hand, in any language.

Source: labelled data distorted on purpose, to learn what a shift costs without labels: Deng & Zheng 2021,
arXiv:2007.02915; Guillory et al. 2021, arXiv:2107.03315.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.monitor.confidence_estimate import estimate_score
from satiety.monitor.shift_features import compute_shift_features, count_word_texts, extract_text_features

if TYPE_CHECKING:
    from numpy.random import Generator

    from satiety.evaluate.bootstrap import Groups
    from satiety.monitor.sample import Indices, TextSample
    from satiety.problems import Problem
    from satiety.problems.base import Floats

SPLITS = 4
"""Ways in which the labelled texts are halved: windows are drawn from one half, the other is the reference, in turn."""
SCENARIOS = ("same", "labels", "topic", "writing", "writing", "all")
"""Kinds of world; writing counts twice, for it takes many forms."""
PRIOR = 1.2
"""Largest standard deviation of the log weights of the labels."""
TOPIC = (0.1, 0.6)
"""Share of the texts that a topic comes down to: the effective number of weighted texts, as Kish has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Labelled texts, then as many rewrites of each kind, in the same order; all of them answered by the model."""

    sample: TextSample
    tallies: Floats
    """Of the answers, `Problem.tally`, shape (texts and rewrites, counts)."""
    strata: Sequence[str]
    """Label of each text, or what else it is drawn by."""
    groups: Groups
    """Number of each text's group: its near-duplicates among the texts, shape (texts,)."""

    @property
    def reference(self) -> TextSample:
        """The texts, without their rewrites."""
        return self.sample.take(np.arange(len(self.strata)))

    def expand_indices(self, indices: Indices) -> Indices:
        """Return the places of some texts, and of all their rewrites."""
        blocks = len(self.sample) // len(self.strata)
        return np.concatenate([indices + block * len(self.strata) for block in range(blocks)])


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedShifts:
    """Windows, and what their worlds do to the score."""

    features: Floats
    """Shape (windows, signs)."""
    changes: Floats
    """Score in that world − score of the texts as they are, shape (windows,)."""
    confidence_changes: Floats
    """The change that the model itself believes in, window against reference, shape (windows,)."""
    halves: Floats
    """Which half of the texts a window is drawn from, shape (windows,); 0 and 1 share no text, nor do 2 and 3, …"""


def simulate_shift(pool: Pool, problem: Problem, *, size: int, count: int, seed: int) -> SimulatedShifts:
    """Draw windows of worlds.

    Args:
        pool: what they are drawn from.
        problem: that is asked.
        size: texts in a window.
        count: windows, of all halves together.
        seed: of all that is drawn.
    """
    features: list[Floats] = []
    changes: list[tuple[float, float]] = []
    rng, expected_tallies = np.random.default_rng(seed), problem.estimate_tallies(pool.sample.scores)
    for half in range(2 * SPLITS):
        if half % 2 == 0:
            parts = np.array_split(rng.permutation(len(pool.strata)), 2)
        window_rows, reference_sample = parts[half % 2], pool.sample.take(parts[1 - half % 2])
        word_counts = count_word_texts(reference_sample.texts)
        reference, pool_rows = (
            extract_text_features(reference_sample, word_counts, max_count=1),
            pool.expand_indices(window_rows),
        )
        windows, window_expected = (
            extract_text_features(pool.sample.take(pool_rows), word_counts),
            expected_tallies[pool_rows],
        )
        strata, tallies = [pool.strata[i] for i in window_rows], pool.tallies[pool_rows]
        baseline, expected_baseline = (
            estimate_score(problem, tallies[: len(strata)]),
            estimate_score(problem, expected_tallies[parts[1 - half % 2]]),
        )
        for _ in range(count // (2 * SPLITS)):
            weights = sample_scenario(windows.embeddings, strata, rng)
            rows = rng.choice(len(weights), size, p=weights)
            features.append(compute_shift_features(reference, windows.take(rows)))
            scenario_score = float(problem.score(tallies, weights[None])[problem.headline][0])
            changes.append(
                (scenario_score - baseline, estimate_score(problem, window_expected[rows]) - expected_baseline)
            )
    true_changes, confidence_changes = np.array(changes).T
    return SimulatedShifts(
        np.stack(features), true_changes, confidence_changes, np.repeat(np.arange(2 * SPLITS), count // (2 * SPLITS))
    )


def sample_scenario(embeddings: Floats, strata: Sequence[str], rng: Generator) -> Floats:
    """Return how often each text and each rewrite comes in some world; shape (texts and rewrites,), sums to 1.

    Args:
        embeddings: of the texts, then of their rewrites, kind by kind.
        strata: one per text.
        rng: the only source of chance.
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
    """Return weights of texts, the larger the nearer a text is to one of them."""
    similarities = (embeddings @ embeddings[rng.integers(len(embeddings))]).astype(np.float64)
    similarities, goal, low, high = similarities - similarities.max(), rng.uniform(*TOPIC), 0.0, 100.0
    for _ in range(30):
        slope = (low + high) / 2
        weights: Floats = np.exp(slope * similarities)
        is_wide = weights.sum() ** 2 / (weights**2).sum() > goal * len(similarities)
        low, high = (slope, high) if is_wide else (low, slope)
    return weights
