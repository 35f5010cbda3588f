"""Texts -> a sample: what one model answers, and where the texts lie; and test examples -> a pool for rehearsals.

What a model made of its test examples and their rewrites is kept, by the digest of all that decides it, in a
safetensors file: they are looked at every hour.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.drift.rehearsal import Pool
from satiety.drift.sample import Sample, strangeness

if TYPE_CHECKING:
    from satiety.augment import Augment
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Embed, Floats
    from satiety.records import Example

    Answering = Callable[[Sequence[str]], list[Prediction]]
    """Texts -> an answer each."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """What it takes to look at texts as one model does."""

    problem: Problem
    predict: Answering
    embed: Embed
    training: Floats
    """Unit vectors of the training texts, shape (texts, dimensions)."""
    neighbours: int

    def see(self, texts: Sequence[str]) -> tuple[Sample, list[Prediction]]:
        """Return what the model makes of texts, and its answers."""
        answers, vectors = self.predict(texts), self.embed(texts)
        scores = scores_of(self.problem, answers)
        return Sample(tuple(texts), vectors, scores, strangeness(vectors, self.training, self.neighbours)), answers

    def pool(self, examples: Sequence[Example], rewrites: Augment) -> Pool:
        """Return labelled texts and their rewrites, answered; a text without a rewrite of a kind stands for itself."""
        asked = [*examples, *rewritten(examples, self.problem, rewrites)]
        sample, answers = self.see([one.text for one in asked])
        strata = [self.problem.stratum(one) for one in examples]
        return Pool(sample, self.problem.tally(asked, answers), strata)


def scores_of(problem: Problem, answers: Sequence[Prediction]) -> Floats:
    """Return the probability of each class; of answers that are spans, that of being right or not."""
    if problem.head == "text":
        return np.array([[one.scores[name] for name in problem.classes] for one in answers])
    sure = np.array([one.confidence for one in answers])
    return np.stack([sure, 1 - sure], axis=1)


def rewritten(examples: Sequence[Example], problem: Problem, how: Augment) -> list[Example]:
    """Return the first rewrite of every text by every augmenter, augmenter by augmenter."""
    from satiety.augment import copies

    found: dict[tuple[str, str], Example] = {}
    for example in examples:
        for kind, _, copy in copies(example, problem, how):
            if copy is not None:
                found.setdefault((kind, example.id), copy)
    return [found.get((step.kind, one.id), one) for step in how.steps for one in examples]


def kept(folder: Path, made_of: Sequence[Any], texts: Sequence[str], make: Callable[[], Pool]) -> Pool:
    """Return a pool as it is kept, or make it and keep it.

    Args:
        folder: of what is kept; of one model the last, for another one is another's.
        made_of: all that decides it, but the texts, as JSON takes it.
        texts: of its sample, in order.
        make: makes it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save_file

    from satiety.files import replacing

    key = hashlib.sha256(json.dumps([*made_of, list(texts)]).encode()).hexdigest()[:32]
    path = folder / f"{key}.safetensors"
    try:
        one = load_file(path)
        sample = Sample(tuple(texts), one["embeddings"], one["scores"], one["distances"])
        return Pool(sample, one["tallies"], json.loads(bytes(one["strata"])))
    except (SafetensorError, KeyError, OSError, ValueError):
        pool = make()  # never made, cut off, or damaged
    whole = {
        "embeddings": pool.sample.embeddings,
        "scores": pool.sample.scores,
        "distances": pool.sample.distances,
        "tallies": pool.tallies,
        "strata": np.frombuffer(json.dumps(list(pool.strata)).encode(), dtype=np.uint8),
    }
    for old in folder.glob("*.safetensors"):
        old.unlink(missing_ok=True)
    with replacing(path) as temporary:
        save_file({name: np.ascontiguousarray(value) for name, value in whole.items()}, temporary)
    return pool
