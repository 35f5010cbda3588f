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

from satiety.drift.belief import score
from satiety.drift.signs import look, signs, vocabulary

if TYPE_CHECKING:
    from numpy.random import Generator

    from satiety.drift.sample import Places, Sample
    from satiety.evaluate.bootstrap import Groups
    from satiety.problems import Problem
    from satiety.problems.base import Floats

SPLITS = 4
"""Ways in which the labelled texts are halved: windows are drawn from one half, the other is the reference, in turn."""
WORLDS = ("same", "labels", "topic", "writing", "writing", "all")
"""Kinds of world; writing counts twice, for it takes many forms."""
PRIOR = 1.2
"""Largest standard deviation of the log weights of the labels."""
TOPIC = (0.1, 0.6)
"""Share of the texts that a topic comes down to: the effective number of weighted texts, as Kish has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Labelled texts, then as many rewrites of each kind, in the same order; all of them answered by the model."""

    sample: Sample
    tallies: Floats
    """Of the answers, `Problem.tally`, shape (texts and rewrites, counts)."""
    strata: Sequence[str]
    """Label of each text, or what else it is drawn by."""
    groups: Groups
    """Number of each text's group: its near-duplicates among the texts, shape (texts,)."""

    @property
    def reference(self) -> Sample:
        """The texts, without their rewrites."""
        return self.sample.take(np.arange(len(self.strata)))

    def places(self, texts: Places) -> Places:
        """Return the places of some texts, and of all their rewrites."""
        blocks = len(self.sample) // len(self.strata)
        return np.concatenate([texts + block * len(self.strata) for block in range(blocks)])


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsed:
    """Windows, and what their worlds do to the score."""

    signs: Floats
    """Shape (windows, signs)."""
    changes: Floats
    """Score in that world − score of the texts as they are, shape (windows,)."""
    believed: Floats
    """The change that the model itself believes in, window against reference, shape (windows,)."""
    halves: Floats
    """Which half of the texts a window is drawn from, shape (windows,); 0 and 1 share no text, nor do 2 and 3, …"""


def rehearse(pool: Pool, problem: Problem, *, size: int, count: int, seed: int) -> Rehearsed:
    """Draw windows of worlds.

    Args:
        pool: what they are drawn from.
        problem: that is asked.
        size: texts in a window.
        count: windows, of all halves together.
        seed: of all that is drawn.
    """
    found: list[Floats] = []
    changes: list[tuple[float, float]] = []
    draw, belief = np.random.default_rng(seed), problem.expected(pool.sample.scores)
    for half in range(2 * SPLITS):
        if half % 2 == 0:
            parts = np.array_split(draw.permutation(len(pool.strata)), 2)
        asked, own = parts[half % 2], pool.sample.take(parts[1 - half % 2])
        known = vocabulary(own.texts)
        reference, drawn_from = look(own, known, own=1), pool.places(asked)
        windows, beliefs = look(pool.sample.take(drawn_from), known), belief[drawn_from]
        strata, tallies = [pool.strata[i] for i in asked], pool.tallies[drawn_from]
        usual, hoped = score(problem, tallies[: len(strata)]), score(problem, belief[parts[1 - half % 2]])
        for _ in range(count // (2 * SPLITS)):
            weights = world(windows.embeddings, strata, draw)
            rows = draw.choice(len(weights), size, p=weights)
            found.append(signs(reference, windows.take(rows)))
            now = float(problem.score(tallies, weights[None])[problem.headline][0])
            changes.append((now - usual, score(problem, beliefs[rows]) - hoped))
    true, hoped_for = np.array(changes).T
    return Rehearsed(np.stack(found), true, hoped_for, np.repeat(np.arange(2 * SPLITS), count // (2 * SPLITS)))


def world(embeddings: Floats, strata: Sequence[str], draw: Generator) -> Floats:
    """Return how often each text and each rewrite comes in some world; shape (texts and rewrites,), sums to 1.

    Args:
        embeddings: of the texts, then of their rewrites, kind by kind.
        strata: one per text.
        draw: the only source of chance.
    """
    what, count = draw.choice(WORLDS), len(strata)
    usual: Floats = np.ones(count)
    if what in ("labels", "all"):
        names, given = np.unique(np.array(strata), return_inverse=True)
        usual = np.exp(draw.uniform(0, PRIOR) * draw.standard_normal(len(names)))[given]
    if what == "topic":
        usual = _topic(embeddings[:count], draw)
    usual = usual / usual.sum()
    kinds = len(embeddings) // count - 1
    if what not in ("writing", "all") or not kinds:
        return np.concatenate([usual, np.zeros(count * kinds)])
    share, kind = draw.uniform(0, 1), draw.integers(kinds)
    weights = np.zeros((kinds + 1, count))
    weights[0], weights[1 + kind] = (1 - share) * usual, share * usual
    return weights.ravel()


def _topic(embeddings: Floats, draw: Generator) -> Floats:
    """Return weights of texts, the larger the nearer a text is to one of them."""
    near = (embeddings @ embeddings[draw.integers(len(embeddings))]).astype(np.float64)
    near, goal, low, high = near - near.max(), draw.uniform(*TOPIC), 0.0, 100.0
    for _ in range(30):
        slope = (low + high) / 2
        weights: Floats = np.exp(slope * near)
        wide = weights.sum() ** 2 / (weights**2).sum() > goal * len(near)
        low, high = (slope, high) if wide else (low, slope)
    return weights
