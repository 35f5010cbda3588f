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
HOW = Augment(seed=1, steps=STEPS, dedup_threshold=1.0)
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


def eye(problem: Problem) -> Featurizer:
    """Return how a model sees that finds every text good, or no entity, and is surer of longer texts."""

    def predict(texts: Sequence[str]) -> list[Prediction]:
        sure = [0.5 + min(len(text), 40) / 100 for text in texts]
        if problem.head == "token":
            return [Prediction(confidence=one) for one in sure]
        return [Prediction(Label("good"), confidence=one, scores={"bad": 1 - one, "good": one}) for one in sure]

    def embed(texts: Sequence[str]) -> Any:
        rows = np.array([[len(text), text.count(" ") + 1.0] for text in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    return Featurizer(problem, predict, embed, np.eye(2), 1)


def test_what_was_answered_before_is_not_asked_again() -> None:
    asked: list[Inputs] = []
    looks = eye(LABELS)

    def predict(inputs: Sequence[Inputs]) -> list[Prediction]:
        asked.extend(inputs)
        return looks.predict(inputs)

    before = Prediction(Label("bad"), 0.9, {"bad": 0.9, "good": 0.1})
    inputs: list[Inputs] = [{"text": text} for text in ("one film", "another", "a third")]
    sample, answers = replace(looks, predict=predict).transform(inputs, {1: before})
    assert asked == [inputs[0], inputs[2]]
    assert [str(answer.answer) for answer in answers] == ["good", "bad", "good"]
    assert sample.scores[1].tolist() == [0.9, 0.1]


@pytest.mark.parametrize(("problem", "examples"), [(LABELS, LABELLED), (SPANS, ENTITIES)], ids=["labels", "spans"])
def test_a_pool_has_the_texts_then_their_rewrites_kind_by_kind(problem: Problem, examples: list[Example]) -> None:
    pool = eye(problem).build_pool(examples, HOW)
    assert pool.sample.texts[:2] == (examples[0].text, examples[1].text)
    assert len(pool.sample) == len(pool.tallies) == 2 * (1 + len(STEPS))
    assert pool.sample.scores.sum(axis=1) == pytest.approx(1)
    assert pool.expand_indices(np.array([1])).tolist() == [1, 3, 5]
    assert len(pool.strata) == 2


def test_rewrites_keep_the_gold_and_a_text_without_one_stands_for_itself() -> None:
    made = rewrite([*LABELLED, Example("c", {"text": "nice"}, Label("good"))], LABELS, HOW)
    assert [str(one.answer) for one in made] == ["good", "bad", "good"] * 2
    assert made[3].text != LABELLED[0].text
    assert made[5].text == "nice"  # a single word cannot be swapped
    entities = rewrite(ENTITIES, SPANS, HOW)
    assert all(one.text[span.start : span.end] == "anna" for one in entities for span in one.answer.mentions)


def test_what_is_kept_is_found_again_and_made_anew_where_it_is_damaged_or_of_another_model(tmp_path: Path) -> None:
    looks, made = eye(LABELS), list[str]()
    texts = [one.text for one in [*LABELLED, *rewrite(LABELLED, LABELS, HOW)]]

    def make() -> Pool:
        made.append("made")
        return looks.build_pool(LABELLED, HOW)

    first, again = (load_or_build_pool(tmp_path, ["model 1"], texts, make) for _ in range(2))
    assert made == ["made"]
    assert (again.tallies == first.tallies).all()
    assert (again.sample.scores == first.sample.scores).all()
    assert list(again.strata) == list(first.strata)
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    load_or_build_pool(tmp_path, ["model 1"], texts, make)
    load_or_build_pool(tmp_path, ["model 2"], texts, make)
    assert made == ["made"] * 3
    (file,) = tmp_path.glob("*.safetensors")
    whole = file.read_bytes()
    at = 8 + int.from_bytes(whole[:8], "little")  # where the header ends, and the numbers begin
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert (load_or_build_pool(tmp_path, ["model 2"], texts, make).tallies == first.tallies).all()
    assert made == ["made"] * 4, "one bit is damage, too"
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
