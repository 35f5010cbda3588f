"""A synthetic pool: texts around three centres, answered by a model that sees only their embeddings."""

from __future__ import annotations

import random

import numpy as np

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.monitor.sample import TextSample, knn_distance
from satiety.monitor.shift_simulation import Pool
from satiety.problems import Prediction
from satiety.problems.classify import Classify

CLASSES = ["bad", "fine", "good"]
PROBLEM = Classify(labels=CLASSES, names={})
WORDS = {
    "en": ["the", "film", "was", "good", "bad", "fine", "long", "short", "hotel", "room"],
    "zh": ["这部", "电影", "很", "好看", "差劲", "房间", "干净", "服务", "热情", "价格"],
}


def make_pool(count: int, seed: int, language: str, blur: float) -> Pool:
    """Return texts around three centres, and rewrites further from them; the model sees only the embeddings."""
    draw, chance = np.random.default_rng(seed), random.Random(seed)
    gold = draw.choice(3, count)
    clean_vectors = np.eye(8)[gold] + 0.6 * draw.standard_normal((count, 8))
    all_vectors = np.concatenate([clean_vectors, clean_vectors + blur * draw.standard_normal((count, 8))])
    vectors = all_vectors / np.linalg.norm(all_vectors, axis=1, keepdims=True)
    scores = np.exp(3 * vectors[:, :3])
    scores /= scores.sum(axis=1, keepdims=True)
    gap = "" if language == "zh" else " "
    texts = [gap.join(chance.choices(WORDS[language], k=7)) for _ in range(count)]
    spoilt = [text.replace(WORDS[language][0], "xq" if language == "en" else "鑫") for text in texts]
    examples = [
        Example(str(i), {"text": text}, Label(CLASSES[gold[i % count]])) for i, text in enumerate([*texts, *spoilt])
    ]
    answers = [Prediction(Label(CLASSES[row.argmax()])) for row in scores]
    sample = TextSample((*texts, *spoilt), vectors, scores, knn_distance(vectors, np.eye(8)[:3], 2))
    return Pool(sample, PROBLEM.tally(examples, answers), [CLASSES[i] for i in gold], np.arange(count))
