"""Heads of runs: copies change nothing, only people's labels select the penalty, and confidence is calibrated."""

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
from tests.unit.worth.material import finetune, make_classify_examples, make_ner_examples

if TYPE_CHECKING:
    from satiety.problems.base import Floats

SOLVER = Solver(l2=[1.0, 0.1, 0.01, 0.001], folds=4, rows=10_000)
CONFIG = EncoderConfig(max_length=32, prefix="", pooling="mean")


def build_proxy(home: Path, base: Path, kind: str = "classify") -> ProxyModel:
    problem = PROBLEMS[kind].sample()
    return ProxyModel(problem, FeatureExtractor(home, base, problem, CONFIG, "cpu"), SOLVER, CONFIG)


def copy_examples(examples: Sequence[Example], times: int) -> list[Example]:
    return [
        replace(example, id=f"{example.id}/{i}", origin="copy", parent=example.parent or example.id)
        for i in range(times)
        for example in examples
    ]


def fit_head(model: ProxyModel, examples: Sequence[Example]) -> LinearProbe:
    head = model.fit(examples, 1)
    assert head is not None
    return head


@pytest.mark.parametrize("kind", ["classify", "ner"])
@pytest.mark.parametrize("times", [1, 5])
def test_copying_changes_neither_folds_nor_strength_nor_weights(
    kind: str, times: int, tmp_path: Path, tiny: Path
) -> None:
    model, examples = (
        build_proxy(tmp_path, tiny, kind),
        (make_classify_examples if kind == "classify" else make_ner_examples)(24),
    )
    without_copies, with_copies = (
        fit_head(model, examples),
        fit_head(model, [*examples, *copy_examples(examples, times)]),
    )
    assert with_copies.l2 == without_copies.l2
    assert with_copies.temperature == without_copies.temperature
    np.testing.assert_allclose(
        with_copies.weight, without_copies.weight, atol=2e-2 * np.abs(without_copies.weight).max()
    )


def build_blobs(rows: int, noise: float, seed: int = 0) -> tuple[Floats, Any, list[str]]:
    draw = np.random.default_rng(seed)
    answers = np.arange(rows) % 2
    middles = draw.normal(size=(2, 16))
    return middles[answers] + noise * draw.normal(size=(rows, 16)), answers, [str(i) for i in range(rows)]


def test_only_judged_rows_select_the_penalty() -> None:
    """The labels of the others are linear in the features: they need no penalty."""
    draw = np.random.default_rng(1)
    features = draw.normal(size=(240, 16))
    answers = np.where(np.arange(240) < 40, draw.integers(0, 2, 240), features[:, 0] > 0)
    groups, judged = [str(i) for i in range(240)], np.arange(240) < 40
    everyone = solve(features, answers, groups, 2, SOLVER, 1)
    people = solve(features, answers, groups, 2, SOLVER, 1, judged)
    assert people.l2 > everyone.l2
    fixed = SOLVER.model_copy(update={"l2": [people.l2]})
    np.testing.assert_allclose(people.weight, solve(features, answers, groups, 2, fixed, 1).weight, atol=0.05)


def test_self_labelled_examples_do_not_select_the_penalty(tmp_path: Path, tiny: Path) -> None:
    model, examples = build_proxy(tmp_path, tiny), make_classify_examples(24)
    self_labelled = [
        replace(e, id=f"p{e.id}", origin="pseudo_label", answer=Label("good"))
        for e in make_classify_examples(40, start=2000)
    ]
    judged_masks: list[Any] = []
    from satiety.heads import solver as module

    solve_head = module.solve

    def spy(*arguments: Any) -> LinearProbe:
        judged_masks.append(arguments[6])
        return solve_head(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "solve", spy)
        fit_head(model, [*examples, *self_labelled])
    assert judged_masks[0].tolist() == [True] * 24 + [False] * 40


@pytest.mark.parametrize("label", ["bad", "good"])
def test_head_trained_on_one_class_predicts_only_it(label: str, tmp_path: Path, tiny: Path) -> None:
    model = build_proxy(tmp_path, tiny)
    head = fit_head(model, [example for example in make_classify_examples(30) if str(example.answer) == label])
    assert {str(answer.answer) for answer in model.predict(head, make_classify_examples(9, start=500))} == {label}
    assert head.temperature == 1, "there are no held-out rows to fit it on"


def test_without_a_label_of_the_problem_there_is_no_head(tmp_path: Path, tiny: Path) -> None:
    assert build_proxy(tmp_path, tiny).fit([Example("a", {"text": "the film"}, answer=Label("neither"))], 1) is None


def test_a_single_label_is_enough_to_answer(tmp_path: Path, tiny: Path) -> None:
    model = build_proxy(tmp_path, tiny)
    assert model.predict(fit_head(model, make_classify_examples(1)), model.problem.build_examples(["the good film"]))[
        0
    ].answer == Label("bad")


def test_the_temperature_makes_overconfident_answers_less_so() -> None:
    """Random labels and a penalty too weak to matter: confident answers are wrong half the time."""
    draw = np.random.default_rng(3)
    features, answers, groups = draw.normal(size=(60, 40)), draw.integers(0, 2, 60), [str(i) for i in range(60)]
    weak_penalty = SOLVER.model_copy(update={"l2": [1e-6]})
    head = solve(features, answers, groups, 2, weak_penalty, 1)
    assert head.temperature > 2
    strong_penalty = SOLVER.model_copy(update={"l2": [3.0]})
    assert solve(*build_blobs(200, 0.3), 2, strong_penalty, 1).temperature < 1


def test_temperature_lowers_confidence_and_keeps_labels(tmp_path: Path, tiny: Path) -> None:
    model, texts = build_proxy(tmp_path, tiny), make_classify_examples(12, start=500)
    head = replace(fit_head(model, make_classify_examples(24)), temperature=1.0)
    cold, warm = model.predict(head, texts), model.predict(replace(head, temperature=4.0), texts)
    assert [str(a.answer) for a in cold] == [str(a.answer) for a in warm]
    assert all(a.confidence > b.confidence for a, b in zip(cold, warm, strict=True))


def test_proxy_learns_a_learnable_problem(tmp_path: Path, tiny: Path) -> None:
    model, test = build_proxy(tmp_path, tiny), make_classify_examples(60, start=500)
    answers = model.predict(fit_head(model, make_classify_examples(120)), test)
    assert sum(str(a.answer) == str(e.answer) for a, e in zip(answers, test, strict=True)) > 48


def test_entities_are_learned(tmp_path: Path, tiny: Path) -> None:
    model, test = build_proxy(tmp_path, tiny, "ner"), make_ner_examples(16, start=500)
    answers = model.predict(fit_head(model, make_ner_examples(48)), test)
    scores = model.problem.metrics_from_counts(model.problem.tally(test, answers).sum(0))
    assert scores["entity_f1"] > 0.8


@given(st.integers(0, 120), st.sampled_from([0.0, 0.01, 0.1, 0.2, 0.34, 0.5]), st.integers(1, 20), st.randoms())
def test_dev_split_takes_its_share_of_every_class(count: int, share: float, classes: int, draw: random.Random) -> None:
    """Also where classes take turns, as in a replicate of classes of one size."""
    gold = [Example(str(i), {"text": str(i)}, answer=Label(str(i % classes))) for i in range(count)]
    train, dev = split_dev(gold, share, lambda example: str(str(example.answer)), draw)
    assert sorted(example.id for example in (*train, *dev)) == sorted(example.id for example in gold)
    assert {str(example.answer) for example in train} == {str(example.answer) for example in gold}
    gold_counts, dev_counts = (Counter(str(example.answer) for example in part) for part in (gold, dev))
    assert all(
        abs(dev_counts[name] - gold_count * (share and 1 / round(1 / share))) < 1.01
        for name, gold_count in gold_counts.items()
    )


def test_dev_split_of_fewer_labels_is_part_of_that_of_more() -> None:
    gold, label_of = make_classify_examples(60), lambda example: str(str(example.answer))
    dev_ids = [
        {example.id for example in split_dev(gold[:n], 0.2, label_of, random.Random("x"))[1]} for n in (15, 30, 60)
    ]
    assert dev_ids[0] < dev_ids[1] < dev_ids[2]


def test_fine_tuned_model_predicts_and_leaves_no_checkpoint(tmp_path: Path, tiny: Path) -> None:
    fine_tuned = FineTuned(PROBLEMS["classify"].sample(), tiny, finetune(), "cpu", tmp_path)
    train, dev = split_dev(make_classify_examples(20), 0.2, lambda example: str(str(example.answer)), random.Random(1))
    answers = fine_tuned.fit(train, dev, "key")(["the good film", "这部电影很差"])
    assert {str(answer.answer) for answer in answers} <= {"good", "bad"}
    assert not list((tmp_path / "checkpoints").rglob("*.safetensors"))
