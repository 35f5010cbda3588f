"""What every lever guarantees, in English and Chinese, with labels and spans. A new one needs no edit here."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.records import Example
from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext, StudyInputs
from satiety.problems import PROBLEMS, Prediction
from satiety.worth.selection import explain_unusable
from tests.unit.worth.material import documents, make_classify_examples, make_ner_examples

EXAMPLE_MAKERS = {"classify": make_classify_examples, "ner": make_ner_examples}
LEAKS = ("leak",)
"""Levers that put test texts into training, to show that the gate refuses them."""


def build_study_context(kind: str, folder: Path) -> StudyContext:
    make = EXAMPLE_MAKERS[kind]
    return StudyContext(
        PROBLEMS[kind].sample(),
        tuple(make(30)),
        tuple(make(10, start=1000)),
        documents(make(20, start=2000)),
        folder,
        lambda texts: np.ones((len(texts), 4)) / 2,
        1,
        "cpu",
        folder,
    )


def build_run_context(kind: str, lever: Lever, context: StudyContext, budget: int, seed: int) -> RunContext:
    def predict(labelled: Any, texts: Any) -> list[Prediction]:
        """Answer as the first labelled example, with a confidence that depends on the text."""
        first = next((row.answer for row in labelled if row.answer and row.answer.labels), labelled[0].answer)
        fitting = [first.move([span for span in first.mentions if span.end <= len(text)]) for text in texts]
        return [Prediction(answer, len(text) % 11 / 10) for answer, text in zip(fitting, texts, strict=True)]

    prepared = lever.precompute(context)
    draw = random.Random(seed)
    return RunContext(context.problem, budget, context.pool, context.test, context.corpus, prepared, draw, predict)


def transform_pool(kind: str, name: str, folder: Path, budget: int = 12, seed: int = 1) -> tuple[Example, ...]:
    lever, context = LEVERS[name].sample(), build_study_context(kind, folder)
    return lever.transform_train(context.pool[:budget], build_run_context(kind, lever, context, budget, seed))


@pytest.fixture(params=list(LEVERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(EXAMPLE_MAKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_equal_seeds_give_equal_examples_and_global_generators_stay_untouched(
    name: str, kind: str, tmp_path: Path
) -> None:
    random.seed(1)
    np.random.seed(1)
    first = transform_pool(kind, name, tmp_path)
    sample = random.random(), np.random.random()
    random.seed(2)
    np.random.seed(2)
    assert transform_pool(kind, name, tmp_path) == first
    random.seed(1)
    np.random.seed(1)
    assert (random.random(), np.random.random()) == sample


def test_every_lever_has_a_position(name: str) -> None:
    assert isinstance(LEVERS[name].position, int)


def test_transform_train_does_not_change_its_inputs(name: str, kind: str, tmp_path: Path) -> None:
    lever, context = LEVERS[name].sample(), build_study_context(kind, tmp_path)
    run_context = build_run_context(kind, lever, context, 12, 1)
    initial = copy.deepcopy((context.pool, context.test, context.corpus, run_context.precomputed))
    lever.transform_train(context.pool[:12], run_context)
    assert (context.pool, context.test, context.corpus, run_context.precomputed) == initial


@settings(max_examples=15)
@given(budget=st.integers(1, 18), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", list(EXAMPLE_MAKERS))
@pytest.mark.parametrize("name", list(LEVERS))
def test_the_labels_of_a_run_stay_first_and_no_test_text_is_added(
    name: str, kind: str, budget: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    study_context, examples = build_study_context(kind, folder), transform_pool(kind, name, folder, budget, seed)
    assert [row.id for row in examples[:budget]] == [row.id for row in study_context.pool[:budget]]
    assert [row.text for row in examples[:budget]] == [row.text for row in study_context.pool[:budget]]
    assert len({row.id for row in examples}) == len(examples), "an id occurs twice"
    actual_texts = {row.text for row in examples}
    assert bool(actual_texts & {row.text for row in study_context.test}) == (name in LEAKS and round(0.5 * budget) > 0)


def test_added_examples_name_their_origin_and_parent(name: str, kind: str, tmp_path: Path) -> None:
    study_context, examples = build_study_context(kind, tmp_path), transform_pool(kind, name, tmp_path)
    gold = {row.id: row for row in study_context.pool}
    for row in examples:
        if row.origin == "gold":
            assert gold[row.id] == row, "a gold example was changed"
        else:
            assert row.parent is None or row.parent in gold
        assert all(row.text[span.start : span.end].strip() for span in row.answer.mentions)


def test_precomputed_texts_are_among_those_added(name: str, tmp_path: Path) -> None:
    """Precomputed texts are checked against the test set before any run; other new texts are checked in their run."""
    lever, context = LEVERS[name].sample(), build_study_context("classify", tmp_path)
    if name == "augment":
        lever = lever.model_validate(
            {"seed": 1, "steps": [{"kind": "swap", "alpha": 0.5, "copies": 2}], "dedup_threshold": 1.0}
        )
    run_context = build_run_context("classify", lever, context, 12, 1)
    known_texts = {row.text for row in (*context.pool, *context.test)} | {row.text for row in context.corpus}
    new_texts = {row.text for row in lever.transform_train(context.pool[:12], run_context)} - known_texts
    precomputed_texts = {row.text for row in run_context.precomputed}
    assert bool(new_texts & precomputed_texts) == bool(precomputed_texts)


def test_a_lever_the_pipeline_can_use_acts_the_same_without_test_examples(name: str, kind: str, tmp_path: Path) -> None:
    """The pipeline gives it no test examples: the gate comes after it."""
    lever, study_context = LEVERS[name].sample(), build_study_context(kind, tmp_path)
    if explain_unusable(name, lever):
        return
    run_without_test = replace(build_run_context(kind, lever, replace(study_context, test=()), 30, 1), test=())
    assert lever.transform_train(study_context.pool, run_without_test) == lever.transform_train(
        study_context.pool, build_run_context(kind, lever, study_context, 30, 1)
    )


def test_only_levers_that_declare_it_change_the_inputs(name: str, tmp_path: Path) -> None:
    lever, context = LEVERS[name].sample(), build_study_context("classify", tmp_path)
    inputs = StudyInputs(context.corpus[:5], context.base)
    if not lever.has_input_transform:
        assert lever.transform_inputs(inputs, context) is inputs


def test_examples_of_earlier_levers_are_kept(name: str, kind: str, tmp_path: Path) -> None:
    """Copies that an earlier lever of the set made stay in the training examples."""
    lever, study_context = LEVERS[name].sample(), build_study_context(kind, tmp_path)
    gold = study_context.pool[:8]
    copies = tuple(replace(row, id=f"{row.id}/x", origin="x", parent=row.id) for row in gold)
    examples = lever.transform_train((*gold, *copies), build_run_context(kind, lever, study_context, 8, 1))
    assert [row.id for row in examples[:16]] == [row.id for row in (*gold, *copies)]
    assert len({row.id for row in examples}) == len(examples)
