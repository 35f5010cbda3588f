"""Answers keep through the table and back, carry no text, and are recalled only for the examples they are of."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety import records
from satiety.errors import DataError
from satiety.evaluate.answers import collect, read, recalled, write
from satiety.problems import Prediction
from satiety.records import Answer, Example, Span

LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SPANS = st.lists(st.builds(Span, st.integers(0, 99), st.integers(0, 99), LABELS), max_size=4).map(tuple)
GOLD = [Example("a", "好电影", label="好"), Example("b", "the bad film", label="bad")]
NAMED = [Example("a", "王小明在上海", spans=(Span(0, 3, "PER"), Span(4, 6, "LOC"))), Example("b", "nothing")]


@given(st.builds(Prediction, label=st.one_of(st.none(), LABELS)) | st.builds(Prediction, spans=SPANS))
def test_an_answer_reads_back(answer: Prediction) -> None:
    assert read(write(answer)) == answer


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[[1, 2]]", "7", '[["x", 2, "PER"]]'])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="is not an answer"):
        read(text)


@pytest.mark.parametrize("gold", [GOLD, NAMED])
def test_the_table_holds_answers_and_no_text(tmp_path: Path, gold: list[Example]) -> None:
    truth = [Prediction(label=one.label, spans=one.spans, confidence=0.9) for one in gold]
    empty = [Prediction(label=one.label and "?", confidence=0.1) for one in gold]
    records.write(tmp_path / "p.parquet", collect(gold, empty, truth), Answer)
    stored = list(records.read(tmp_path / "p.parquet", Answer))
    assert [one.id for one in stored] == ["a", "b"]
    assert [one.gold for one in stored] == [one.after for one in stored] != [one.before for one in stored]
    assert not any(example.text in str(one) for one in stored for example in gold)


def test_answers_are_recalled_in_the_order_of_the_examples() -> None:
    truth = [Prediction(label=one.label) for one in GOLD]
    stored = {one.id: one for one in collect(GOLD, truth, truth)}
    found = recalled(stored, GOLD[::-1])
    assert found is not None
    assert [one.id for one in found] == ["b", "a"]


OTHERS = {
    "fewer": GOLD[:1],
    "more": [*GOLD, Example("c", "x", label="bad")],
    "another id": [GOLD[0], replace(GOLD[1], id="z")],
    "another gold": [GOLD[0], replace(GOLD[1], label="好")],
}


@pytest.mark.parametrize("gold", OTHERS.values(), ids=OTHERS)
def test_answers_of_other_examples_are_not_recalled(gold: list[Example]) -> None:
    truth = [Prediction(label=one.label) for one in GOLD]
    assert recalled({one.id: one for one in collect(GOLD, truth, truth)}, gold) is None
