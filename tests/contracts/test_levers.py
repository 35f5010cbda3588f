"""What every lever promises, English and Chinese, texts and tokens alike. A new one is tested without a line here."""

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
from tests.unit.worth.material import classified, documents, tagged

MADE = {"classify": classified, "ner": tagged}
LEAKS = ("leak",)
"""Made to put test texts into training, so that the gate can be seen to refuse them."""


def world(kind: str, folder: Path) -> StudyContext:
    make = MADE[kind]
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


def lesson(kind: str, lever: Lever, here: StudyContext, budget: int, seed: int) -> RunContext:
    def answer(known: Any, texts: Any) -> list[Prediction]:
        """Answer as the first example of the problem, surer of some texts than of others."""
        first = next((one.answer for one in known if one.answer and one.answer.labels), known[0].answer)
        fitting = [first.move([span for span in first.mentions if span.end <= len(text)]) for text in texts]
        return [Prediction(one, len(text) % 11 / 10) for one, text in zip(fitting, texts, strict=True)]

    prepared = lever.precompute(here)
    draw = random.Random(seed)
    return RunContext(here.problem, budget, here.pool, here.test, here.corpus, prepared, draw, answer)


def taught(kind: str, name: str, folder: Path, budget: int = 12, seed: int = 1) -> tuple[Example, ...]:
    lever, context = LEVERS[name].sample(), world(kind, folder)
    return lever.transform_train(context.pool[:budget], lesson(kind, lever, context, budget, seed))


@pytest.fixture(params=list(LEVERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(MADE))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_same_draw_teaches_the_same_and_no_global_generator_is_touched(
    name: str, kind: str, tmp_path: Path
) -> None:
    random.seed(1)
    np.random.seed(1)
    first = taught(kind, name, tmp_path)
    sample = random.random(), np.random.random()
    random.seed(2)
    np.random.seed(2)
    assert taught(kind, name, tmp_path) == first
    random.seed(1)
    np.random.seed(1)
    assert (random.random(), np.random.random()) == sample


def test_it_has_a_place_in_the_order_of_levers(name: str) -> None:
    assert isinstance(LEVERS[name].position, int)


def test_teaching_changes_nothing_it_was_given(name: str, kind: str, tmp_path: Path) -> None:
    lever, context = LEVERS[name].sample(), world(kind, tmp_path)
    original = lesson(kind, lever, context, 12, 1)
    initial = copy.deepcopy((context.pool, context.test, context.corpus, original.precomputed))
    lever.transform_train(context.pool[:12], original)
    assert (context.pool, context.test, context.corpus, original.precomputed) == initial


@settings(max_examples=15)
@given(budget=st.integers(1, 18), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", list(MADE))
@pytest.mark.parametrize("name", list(LEVERS))
def test_the_labels_of_the_cell_stay_first_and_no_test_text_comes_in(
    name: str, kind: str, budget: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    context, actual = world(kind, folder), taught(kind, name, folder, budget, seed)
    assert [one.id for one in actual[:budget]] == [one.id for one in context.pool[:budget]]
    assert [one.text for one in actual[:budget]] == [one.text for one in context.pool[:budget]]
    assert len({one.id for one in actual}) == len(actual), "no id twice"
    brought = {one.text for one in actual}
    assert bool(brought & {one.text for one in context.test}) == (name in LEAKS and round(0.5 * budget) > 0)


def test_what_it_makes_says_so_and_of_what_it_was_made(name: str, kind: str, tmp_path: Path) -> None:
    context, actual = world(kind, tmp_path), taught(kind, name, tmp_path)
    gold = {one.id: one for one in context.pool}
    for one in actual:
        if one.origin == "gold":
            assert gold[one.id] == one, "what people labelled is as they labelled it"
        else:
            assert one.parent is None or one.parent in gold
        assert all(one.text[span.start : span.end].strip() for span in one.answer.mentions)


def test_the_texts_it_prepared_are_texts_it_adds(name: str, tmp_path: Path) -> None:
    """They are read, and held against the test, before any cell; what is new in a cell is so there."""
    lever, context = LEVERS[name].sample(), world("classify", tmp_path)
    if name == "augment":
        lever = lever.model_validate(
            {"seed": 1, "steps": [{"kind": "swap", "alpha": 0.5, "copies": 2}], "dedup_threshold": 1.0}
        )
    original = lesson("classify", lever, context, 12, 1)
    candidates = {one.text for one in (*context.pool, *context.test)} | {one.text for one in context.corpus}
    brought = {one.text for one in lever.transform_train(context.pool[:12], original)} - candidates
    prepared = {one.text for one in original.precomputed}
    assert bool(brought & prepared) == bool(prepared)


def test_what_the_pipeline_may_use_acts_there_as_in_the_meter(name: str, kind: str, tmp_path: Path) -> None:
    """Though no test example is to be seen there: the gate comes after."""
    lever, context = LEVERS[name].sample(), world(kind, tmp_path)
    if explain_unusable(name, lever):
        return
    blind = replace(lesson(kind, lever, replace(context, test=()), 30, 1), test=())
    assert lever.transform_train(context.pool, blind) == lever.transform_train(
        context.pool, lesson(kind, lever, context, 30, 1)
    )


def test_what_surrounds_is_changed_only_by_what_says_so(name: str, tmp_path: Path) -> None:
    lever, context = LEVERS[name].sample(), world("classify", tmp_path)
    inputs = StudyInputs(context.corpus[:5], context.base)
    if not lever.has_input_transform:
        assert lever.transform_inputs(inputs, context) is inputs


def test_it_takes_what_other_levers_made(name: str, kind: str, tmp_path: Path) -> None:
    """Copies of the labels come before it in a lever set; nothing of them is lost."""
    lever, context = LEVERS[name].sample(), world(kind, tmp_path)
    gold = context.pool[:8]
    copies = tuple(replace(one, id=f"{one.id}/x", origin="x", parent=one.id) for one in gold)
    actual = lever.transform_train((*gold, *copies), lesson(kind, lever, context, 8, 1))
    assert [one.id for one in actual[:16]] == [one.id for one in (*gold, *copies)]
    assert len({one.id for one in actual}) == len(actual)
