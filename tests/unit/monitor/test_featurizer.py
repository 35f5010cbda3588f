"""Featurizer: samples of texts, labels or spans; rewrites keep their gold answers; pools are cached and rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.inputs import Inputs
from satiety.core.records import Example
from satiety.levers.augment import AUGMENTERS, Augment
from satiety.monitor.featurizer import Featurizer, load_or_build_pool, rewrite
from satiety.monitor.shift_simulation import Pool
from satiety.problems import Prediction, Problem
from satiety.problems.classify import Classify
from satiety.problems.ner import Ner

STEPS = [AUGMENTERS[name].sample() for name in ("drop", "swap")]
AUGMENT = Augment(seed=1, steps=STEPS, dedup_threshold=1.0)
LABELS = Classify(labels=["bad", "good"], names={})
SPANS = Ner(labels=["PER"])
LABELLED = [
    Example("a", {"text": "a good film about a long summer"}, Label("good")),
    Example("b", {"text": "这部电影很差劲我不喜欢"}, Label("bad")),
]
ENTITIES = [
    Example("a", {"text": "anna lives in paris"}, answer=Spans((Span(0, 4, "PER"),))),
    Example("b", {"text": "王小明住在上海"}, answer=Spans(())),
]


def make_featurizer(problem: Problem) -> Featurizer:
    """Return a featurizer whose model finds every text good, or no entity, and is surer of longer texts."""

    def predict(texts: Sequence[str]) -> list[Prediction]:
        confidences = [0.5 + min(len(text), 40) / 100 for text in texts]
        if problem.head == "token":
            return [Prediction(confidence=confidence) for confidence in confidences]
        return [
            Prediction(Label("good"), confidence=confidence, scores={"bad": 1 - confidence, "good": confidence})
            for confidence in confidences
        ]

    def embed(texts: Sequence[str]) -> Any:
        rows = np.array([[len(text), text.count(" ") + 1.0] for text in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    return Featurizer(problem, predict, embed, np.eye(2), 1)


def test_inputs_with_earlier_answers_are_not_predicted_again() -> None:
    predicted_inputs: list[Inputs] = []
    featurizer = make_featurizer(LABELS)

    def predict(inputs: Sequence[Inputs]) -> list[Prediction]:
        predicted_inputs.extend(inputs)
        return featurizer.predict(inputs)

    earlier_answer = Prediction(Label("bad"), 0.9, {"bad": 0.9, "good": 0.1})
    inputs: list[Inputs] = [{"text": text} for text in ("one film", "another", "a third")]
    sample, answers = replace(featurizer, predict=predict).transform(inputs, {1: earlier_answer})
    assert predicted_inputs == [inputs[0], inputs[2]]
    assert [str(answer.answer) for answer in answers] == ["good", "bad", "good"]
    assert sample.scores[1].tolist() == [0.9, 0.1]


@pytest.mark.parametrize(("problem", "examples"), [(LABELS, LABELLED), (SPANS, ENTITIES)], ids=["labels", "spans"])
def test_a_pool_has_the_texts_then_their_rewrites_kind_by_kind(problem: Problem, examples: list[Example]) -> None:
    pool = make_featurizer(problem).build_pool(examples, AUGMENT)
    assert pool.sample.texts[:2] == (examples[0].text, examples[1].text)
    assert len(pool.sample) == len(pool.tallies) == 2 * (1 + len(STEPS))
    assert pool.sample.scores.sum(axis=1) == pytest.approx(1)
    assert pool.expand_indices(np.array([1])).tolist() == [1, 3, 5]
    assert len(pool.strata) == 2


def test_rewrites_keep_the_gold_answer_and_a_text_without_a_rewrite_stays_unchanged() -> None:
    rewrites = rewrite([*LABELLED, Example("c", {"text": "nice"}, Label("good"))], LABELS, AUGMENT)
    assert [str(example.answer) for example in rewrites] == ["good", "bad", "good"] * 2
    assert rewrites[3].text != LABELLED[0].text
    assert rewrites[5].text == "nice"  # a single word cannot be swapped
    entities = rewrite(ENTITIES, SPANS, AUGMENT)
    assert all(
        example.text[span.start : span.end] == "anna" for example in entities for span in example.answer.mentions
    )


def test_a_cached_pool_is_rebuilt_where_it_is_damaged_or_of_another_model(tmp_path: Path) -> None:
    featurizer, builds = make_featurizer(LABELS), list[str]()
    texts = [example.text for example in [*LABELLED, *rewrite(LABELLED, LABELS, AUGMENT)]]

    def make() -> Pool:
        builds.append("made")
        return featurizer.build_pool(LABELLED, AUGMENT)

    first, reloaded = (load_or_build_pool(tmp_path, ["model 1"], texts, make) for _ in range(2))
    assert builds == ["made"]
    assert (reloaded.tallies == first.tallies).all()
    assert (reloaded.sample.scores == first.sample.scores).all()
    assert list(reloaded.strata) == list(first.strata)
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    load_or_build_pool(tmp_path, ["model 1"], texts, make)
    load_or_build_pool(tmp_path, ["model 2"], texts, make)
    assert builds == ["made"] * 3
    (file,) = tmp_path.glob("*.safetensors")
    whole = file.read_bytes()
    header_end = 8 + int.from_bytes(whole[:8], "little")
    file.write_bytes(whole[:header_end] + bytes([whole[header_end] ^ 1]) + whole[header_end + 1 :])
    assert (load_or_build_pool(tmp_path, ["model 2"], texts, make).tallies == first.tallies).all()
    assert builds == ["made"] * 4, "one bit is damage, too"
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
