"""The heads of cells: copies teach nothing new, people's labels alone judge, and confidence is no more than is true."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.heads.solver import LinearProbe, Solver, solve
from satiety.problems import PROBLEMS
from satiety.worth.features import EncoderConfig, FeatureExtractor
from satiety.worth.learners import FineTuned, ProxyModel, split_dev
from tests.unit.worth.material import classified, finetune, tagged

if TYPE_CHECKING:
    from satiety.problems.base import Floats

SOLVER = Solver(l2=[1.0, 0.1, 0.01, 0.001], folds=4, rows=10_000)
HOW = EncoderConfig(max_length=32, prefix="", pooling="mean")


def quick(home: Path, base: Path, kind: str = "classify") -> ProxyModel:
    problem = PROBLEMS[kind].sample()
    return ProxyModel(problem, FeatureExtractor(home, base, problem, HOW, "cpu"), SOLVER, HOW)


def copies(examples: Sequence[Example], times: int) -> list[Example]:
    return [
        replace(one, id=f"{one.id}/{i}", origin="copy", parent=one.parent or one.id)
        for i in range(times)
        for one in examples
    ]


def solved(one: ProxyModel, examples: Sequence[Example]) -> LinearProbe:
    head = one.fit(examples, 1)
    assert head is not None
    return head


@pytest.mark.parametrize("kind", ["classify", "ner"])
@pytest.mark.parametrize("times", [1, 5])
def test_copying_changes_neither_folds_nor_strength_nor_weights(
    kind: str, times: int, tmp_path: Path, tiny: Path
) -> None:
    one, examples = quick(tmp_path, tiny, kind), (classified if kind == "classify" else tagged)(24)
    once, more = solved(one, examples), solved(one, [*examples, *copies(examples, times)])
    assert more.l2 == once.l2
    assert more.temperature == once.temperature
    np.testing.assert_allclose(more.weight, once.weight, atol=2e-2 * np.abs(once.weight).max())


def blobs(rows: int, noise: float, seed: int = 0) -> tuple[Floats, Any, list[str]]:
    draw = np.random.default_rng(seed)
    answers = np.arange(rows) % 2
    middles = draw.normal(size=(2, 16))
    return middles[answers] + noise * draw.normal(size=(rows, 16)), answers, [str(i) for i in range(rows)]


def test_the_judged_rows_alone_choose_the_strength() -> None:
    """The others are labelled by a line of the features: they ask for no penalty at all."""
    draw = np.random.default_rng(1)
    features = draw.normal(size=(240, 16))
    answers = np.where(np.arange(240) < 40, draw.integers(0, 2, 240), features[:, 0] > 0)
    groups, judged = [str(i) for i in range(240)], np.arange(240) < 40
    everyone = solve(features, answers, groups, 2, SOLVER, 1)
    people = solve(features, answers, groups, 2, SOLVER, 1, judged)
    assert people.l2 > everyone.l2
    fixed = SOLVER.model_copy(update={"l2": [people.l2]})
    np.testing.assert_allclose(people.weight, solve(features, answers, groups, 2, fixed, 1).weight, atol=0.05)


def test_what_the_model_labelled_itself_does_not_judge(tmp_path: Path, tiny: Path) -> None:
    one, examples = quick(tmp_path, tiny), classified(24)
    own = [replace(e, id=f"p{e.id}", origin="pseudo", answer=Label("good")) for e in classified(40, start=2000)]
    asked: list[Any] = []
    from satiety.heads import solver as module

    whole = module.solve

    def spy(*arguments: Any) -> LinearProbe:
        asked.append(arguments[6])
        return whole(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "solve", spy)
        solved(one, [*examples, *own])
    assert asked[0].tolist() == [True] * 24 + [False] * 40


@pytest.mark.parametrize("label", ["bad", "good"])
def test_of_one_class_only_that_class_is_answered(label: str, tmp_path: Path, tiny: Path) -> None:
    one = quick(tmp_path, tiny)
    head = solved(one, [example for example in classified(30) if str(example.answer) == label])
    assert {str(answer.answer) for answer in one.predict(head, classified(9, start=500))} == {label}
    assert head.temperature == 1, "of unseen rows nothing is known"


def test_without_a_label_of_the_problem_there_is_no_head(tmp_path: Path, tiny: Path) -> None:
    assert quick(tmp_path, tiny).fit([Example("a", {"text": "the film"}, answer=Label("neither"))], 1) is None


def test_a_single_label_is_enough_to_answer(tmp_path: Path, tiny: Path) -> None:
    one = quick(tmp_path, tiny)
    assert one.predict(solved(one, classified(1)), one.problem.build_examples(["the good film"]))[0].answer == Label(
        "bad"
    )


def test_the_temperature_makes_overconfident_answers_less_so() -> None:
    """Labels of pure chance and a penalty too weak to matter: what is sure of itself is wrong half the time."""
    draw = np.random.default_rng(3)
    features, answers, groups = draw.normal(size=(60, 40)), draw.integers(0, 2, 60), [str(i) for i in range(60)]
    wild = SOLVER.model_copy(update={"l2": [1e-6]})
    head = solve(features, answers, groups, 2, wild, 1)
    assert head.temperature > 2
    shy = SOLVER.model_copy(update={"l2": [3.0]})
    assert solve(*blobs(200, 0.3), 2, shy, 1).temperature < 1


def test_answers_divide_by_the_temperature_and_keep_their_label(tmp_path: Path, tiny: Path) -> None:
    one, texts = quick(tmp_path, tiny), classified(12, start=500)
    head = replace(solved(one, classified(24)), temperature=1.0)
    cold, warm = one.predict(head, texts), one.predict(replace(head, temperature=4.0), texts)
    assert [str(a.answer) for a in cold] == [str(a.answer) for a in warm]
    assert all(a.confidence > b.confidence for a, b in zip(cold, warm, strict=True))


def test_it_learns_what_can_be_learned(tmp_path: Path, tiny: Path) -> None:
    one, test = quick(tmp_path, tiny), classified(60, start=500)
    answers = one.predict(solved(one, classified(120)), test)
    assert sum(str(a.answer) == str(e.answer) for a, e in zip(answers, test, strict=True)) > 48


def test_entities_are_learned(tmp_path: Path, tiny: Path) -> None:
    one, test = quick(tmp_path, tiny, "ner"), tagged(16, start=500)
    answers = one.predict(solved(one, tagged(48)), test)
    scores = one.problem.metrics_from_counts(one.problem.tally(test, answers).sum(0))
    assert scores["entity_f1"] > 0.8


@given(st.integers(0, 120), st.sampled_from([0.0, 0.01, 0.1, 0.2, 0.34, 0.5]), st.integers(1, 20), st.randoms())
def test_what_chooses_the_step_is_a_share_of_every_class_that_leaves_it_some(
    count: int, share: float, classes: int, draw: random.Random
) -> None:
    """Also where classes take turns, as in a chain of classes of one size."""
    gold = [Example(str(i), {"text": str(i)}, answer=Label(str(i % classes))) for i in range(count)]
    train, dev = split_dev(gold, share, lambda one: str(str(one.answer)), draw)
    assert sorted(one.id for one in (*train, *dev)) == sorted(one.id for one in gold)
    assert {str(one.answer) for one in train} == {str(one.answer) for one in gold}
    given_, held = (Counter(str(one.answer) for one in part) for part in (gold, dev))
    assert all(abs(held[name] - of * (share and 1 / round(1 / share))) < 1.01 for name, of in given_.items())


def test_what_is_held_of_fewer_labels_is_held_of_more() -> None:
    gold, of = classified(60), lambda one: str(str(one.answer))
    held = [{one.id for one in split_dev(gold[:n], 0.2, of, random.Random("x"))[1]} for n in (15, 30, 60)]
    assert held[0] < held[1] < held[2]


def test_full_depth_answers(tmp_path: Path, tiny: Path) -> None:
    full = FineTuned(PROBLEMS["classify"].sample(), tiny, finetune(), "cpu", tmp_path)
    train, dev = split_dev(classified(20), 0.2, lambda one: str(str(one.answer)), random.Random(1))
    answers = full.fit(train, dev, "key")(["the good film", "这部电影很差"])
    assert {str(answer.answer) for answer in answers} <= {"good", "bad"}
    assert not list((tmp_path / "checkpoints").rglob("*.safetensors"))
