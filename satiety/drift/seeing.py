"""Texts -> a sample: what one model answers, and where the texts lie; and test examples -> a pool for rehearsals.

What a model made of its test examples and their rewrites is kept, by the digest of all that decides it, in a
safetensors file: they are looked at every hour.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.drift.rehearsal import Pool
from satiety.drift.sample import Sample, strangeness
from satiety.evaluate.bootstrap import groups_of
from satiety.inputs import Inputs, text_of

if TYPE_CHECKING:
    from satiety.augment import Augment
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Embed, Floats
    from satiety.records import Example

    Answering = Callable[[Sequence[Inputs]], list[Prediction]]
    """Inputs -> an answer to each."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """What it takes to look at texts as one model does."""

    problem: Problem
    predict: Answering
    embed: Embed
    training: Floats
    """Unit vectors of the training texts, shape (texts, dimensions)."""
    neighbours: int

    def see(
        self, inputs: Sequence[Inputs], answered: Mapping[int, Prediction] | None = None
    ) -> tuple[Sample, list[Prediction]]:
        """Return what the model makes of inputs, and its answers.

        Args:
            inputs: to look at.
            answered: what it answered before, by place: there it is not asked again.
        """
        known = answered or {}
        asked = iter(self.predict([one for place, one in enumerate(inputs) if place not in known]))
        answers = [known[place] if place in known else next(asked) for place in range(len(inputs))]
        texts = [text_of(one) for one in inputs]
        vectors = self.embed(texts)
        scores = self.problem.outputs(answers)
        return Sample(tuple(texts), vectors, scores, strangeness(vectors, self.training, self.neighbours)), answers

    def pool(self, examples: Sequence[Example], rewrites: Augment) -> Pool:
        """Return labelled texts and their rewrites, answered; a text without a rewrite of a kind stands for itself."""
        asked = [*examples, *rewritten(examples, self.problem, rewrites)]
        sample, answers = self.see([one.inputs for one in asked])
        strata = [self.problem.stratum(one) for one in examples]
        return Pool(sample, self.problem.tally(asked, answers), strata, groups_of(examples))


def rewritten(examples: Sequence[Example], problem: Problem, how: Augment) -> list[Example]:
    """Return the first rewrite of every text by every augmenter, augmenter by augmenter."""
    from satiety.augment import copies

    found: dict[tuple[str, str], Example] = {}
    for example, made in zip(examples, copies(examples, problem, how), strict=True):
        for kind, _, copy in made:
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
    from satiety.sealed import read_tensors, write_tensors

    key = hashlib.sha256(json.dumps([*made_of, list(texts)]).encode()).hexdigest()[:32]
    path = folder / f"{key}.safetensors"
    if (tensors := read_tensors(path)) is not None:
        sample = Sample(tuple(texts), tensors["embeddings"], tensors["scores"], tensors["distances"])
        return Pool(sample, tensors["tallies"], json.loads(bytes(tensors["strata"])), tensors["groups"])
    pool = make()  # never made, or damaged
    made = {
        "embeddings": pool.sample.embeddings,
        "scores": pool.sample.scores,
        "distances": pool.sample.distances,
        "tallies": pool.tallies,
        "groups": pool.groups,
        "strata": np.frombuffer(json.dumps(list(pool.strata)).encode(), dtype=np.uint8),
    }
    for old in folder.glob("*.safetensors"):
        old.unlink(missing_ok=True)
    write_tensors(path, made)
    return pool
