"""Texts -> sample with a model's predictions and embeddings; test examples -> pool for simulated shifts.

The pool of a model is cached in a safetensors file, under a digest of everything that determines it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.inputs import Inputs, text_of
from satiety.evaluate.bootstrap import assign_groups
from satiety.monitor.sample import TextSample, knn_distance
from satiety.monitor.shift_simulation import Pool

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.levers.augment import Augment
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Embed, Floats

    Predictor = Callable[[Sequence[Inputs]], list[Prediction]]
    """Inputs -> an answer to each."""


@dataclass(frozen=True, slots=True, eq=False)
class Featurizer:
    """Model and embedder that turn texts into a `TextSample`."""

    problem: Problem
    predict: Predictor
    embed: Embed
    training: Floats
    """Unit vectors of the training texts, shape (texts, dimensions)."""
    k: int

    def transform(
        self, inputs: Sequence[Inputs], cached: Mapping[int, Prediction] | None = None
    ) -> tuple[TextSample, list[Prediction]]:
        """Return the sample of these inputs, and the model's predictions.

        Args:
            inputs: inputs of the problem.
            cached: known predictions by index; the model predicts only the others.
        """
        cached_predictions = cached or {}
        fresh_predictions = iter(
            self.predict([row for index, row in enumerate(inputs) if index not in cached_predictions])
        )
        predictions = [
            cached_predictions[index] if index in cached_predictions else next(fresh_predictions)
            for index in range(len(inputs))
        ]
        texts = [text_of(row) for row in inputs]
        vectors = self.embed(texts)
        scores = self.problem.outputs(predictions)
        return TextSample(tuple(texts), vectors, scores, knn_distance(vectors, self.training, self.k)), predictions

    def build_pool(self, examples: Sequence[Example], rewrites: Augment) -> Pool:
        """Return labelled texts and their rewrites with predictions; a text replaces its missing rewrites."""
        pooled = [*examples, *rewrite(examples, self.problem, rewrites)]
        sample, predictions = self.transform([example.inputs for example in pooled])
        strata = [self.problem.stratum(example) for example in examples]
        return Pool(sample, self.problem.tally(pooled, predictions), strata, assign_groups(examples))


def rewrite(examples: Sequence[Example], problem: Problem, augment: Augment) -> list[Example]:
    """Return the first rewrite of every text by each augmenter, in order of the augmenters."""
    from satiety.levers.augment import generate_copies

    rewrites: dict[tuple[str, str], Example] = {}
    for example, example_copies in zip(examples, generate_copies(examples, problem, augment), strict=True):
        for kind, _, copy in example_copies:
            if copy is not None:
                rewrites.setdefault((kind, example.id), copy)
    return [rewrites.get((step.kind, original.id), original) for step in augment.steps for original in examples]


def load_or_build_pool(folder: Path, key_parts: Sequence[Any], texts: Sequence[str], build: Callable[[], Pool]) -> Pool:
    """Return the cached pool, or build and cache it.

    Args:
        folder: the cache, which keeps one pool.
        key_parts: everything except the texts that determines the pool; must be JSON-serialisable.
        texts: texts of the pool's sample, in order.
        build: builds the pool if it is not cached or the file is damaged.
    """
    from satiety.core.checksums import read_tensors, write_tensors

    key = hashlib.sha256(json.dumps([*key_parts, list(texts)]).encode()).hexdigest()[:32]
    path = folder / f"{key}.safetensors"
    if (tensors := read_tensors(path)) is not None:
        sample = TextSample(tuple(texts), tensors["embeddings"], tensors["scores"], tensors["distances"])
        return Pool(sample, tensors["tallies"], json.loads(bytes(tensors["strata"])), tensors["groups"])
    pool = build()
    pool_tensors = {
        "embeddings": pool.sample.embeddings,
        "scores": pool.sample.scores,
        "distances": pool.sample.distances,
        "tallies": pool.tallies,
        "groups": pool.groups,
        "strata": np.frombuffer(json.dumps(list(pool.strata)).encode(), dtype=np.uint8),
    }
    for stale in folder.glob("*.safetensors"):
        stale.unlink(missing_ok=True)
    write_tensors(path, pool_tensors)
    return pool
