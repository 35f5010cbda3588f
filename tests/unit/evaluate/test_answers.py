"""Stored answers are read back, hold no text, and are used only for the examples they belong to."""

from dataclasses import replace
from pathlib import Path

import pytest

from satiety.core import records
from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Evaluated, Example
from satiety.evaluate.answers import build_rows, match_stored
from satiety.problems import Prediction

GOLD = [
    Example("a", {"text": "好电影"}, answer=Label("好")),
    Example("b", {"text": "the bad film"}, answer=Label("bad")),
]
NAMED = [
    Example("a", {"text": "王小明在上海"}, answer=Spans((Span(0, 3, "PER"), Span(4, 6, "LOC")))),
    Example("b", {"text": "nothing"}, Spans()),
]


@pytest.mark.parametrize("gold", [GOLD, NAMED])
def test_the_table_holds_answers_and_no_text(tmp_path: Path, gold: list[Example]) -> None:
    truth = [Prediction(example.answer, 0.9) for example in gold]
    empty = [Prediction(Label("?"), 0.1) for example in gold]
    records.write(tmp_path / "p.parquet", build_rows(gold, empty, truth), Evaluated)
    stored = list(records.read(tmp_path / "p.parquet", Evaluated))
    assert [row.id for row in stored] == ["a", "b"]
    assert [row.gold for row in stored] == [row.after for row in stored] != [row.before for row in stored]
    assert not any(example.text in str(row) for row in stored for example in gold)


def test_answers_are_recalled_in_the_order_of_the_examples() -> None:
    truth = [Prediction(example.answer) for example in GOLD]
    stored = {row.id: row for row in build_rows(GOLD, truth, truth)}
    recalled = match_stored(stored, GOLD[::-1])
    assert recalled is not None
    assert [row.id for row in recalled] == ["b", "a"]


OTHERS = {
    "fewer": GOLD[:1],
    "more": [*GOLD, Example("c", {"text": "x"}, answer=Label("bad"))],
    "another id": [GOLD[0], replace(GOLD[1], id="z")],
    "another gold": [GOLD[0], replace(GOLD[1], answer=Label("好"))],
}


@pytest.mark.parametrize("gold", OTHERS.values(), ids=OTHERS)
def test_answers_of_other_examples_are_not_recalled(gold: list[Example]) -> None:
    truth = [Prediction(example.answer) for example in GOLD]
    assert match_stored({row.id: row for row in build_rows(GOLD, truth, truth)}, gold) is None
