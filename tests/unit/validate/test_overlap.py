"""Columns that name the row another row repeats."""

from collections.abc import Callable
from typing import Any

import pytest

from satiety.core.answers import Label
from satiety.core.records import Document, Example, Split
from satiety.validate.overlap import COLUMNS, EXAMPLE_COLUMNS, TWIN_COLUMNS
from satiety.validate.table import Table

MakeTable = Callable[..., Table[Any]]
ENGLISH = "The waiter brought our soup cold and never came back to ask about it"
CHINESE = "服务员把汤端上来的时候已经凉了，之后再也没有过来问过我们一句"


def list_values(table: Table[Any], column: str) -> list[str | None]:
    return list((COLUMNS | EXAMPLE_COLUMNS)[column](table))


def test_every_column_of_this_module_holds_ids_of_twins() -> None:
    assert set(TWIN_COLUMNS) == set(COLUMNS | EXAMPLE_COLUMNS)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_a_row_names_the_earlier_row_of_its_split_with_the_same_text_and_label(
    make_table: MakeTable, text: str
) -> None:
    rows = [
        Example("a", {"text": text}, Label("good")),
        Example("b", {"text": f" {text.upper()} "}, Label("good")),
        Example("c", {"text": text}, Label("good"), split="test"),
    ]
    assert list_values(make_table(rows), "twin_of") == [None, "a", None]


def test_documents_have_twins_too(make_table: MakeTable) -> None:
    assert list_values(make_table([Document("a", CHINESE), Document("b", CHINESE)]), "twin_of") == [None, "a"]


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_both_rows_of_a_conflict_name_each_other(make_table: MakeTable, text: str) -> None:
    rows = [
        Example("a", {"text": text}, Label("good")),
        Example("b", {"text": text}, Label("bad")),
        Example("c", {"text": text}, Label("bad"), split="test"),
    ]
    assert list_values(make_table(rows), "conflict_with") == ["b", "a", None]


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
@pytest.mark.parametrize(
    ("earlier", "later", "is_named"),
    [("train", "test", True), ("train", "dev", True), ("dev", "test", True), ("train", "train", False)],
)
def test_the_row_of_the_earlier_split_is_named_and_never_the_test_row(
    make_table: MakeTable, text: str, earlier: Split, later: Split, is_named: bool
) -> None:
    rows = [
        Example("a", {"text": text.swapcase()}, Label("good"), split=earlier),
        Example("b", {"text": text}, Label("good"), split=later),
    ]
    assert list_values(make_table(rows), "in_held_out") == ["b" if is_named else None, None]


@pytest.mark.parametrize(
    ("text", "near_copy"),
    [
        (ENGLISH, f"{ENGLISH}!"),
        (ENGLISH, f"RT @somebody: {ENGLISH} http://t.co/1"),
        (CHINESE, f"{CHINESE}。"),
        (CHINESE, f"转发：{CHINESE}"),
    ],
)
def test_a_training_text_that_nearly_repeats_a_test_text_is_named(
    make_table: MakeTable, text: str, near_copy: str
) -> None:
    table = make_table(
        [Example("a", {"text": near_copy}, Label("good")), Example("b", {"text": text}, Label("good"), split="test")]
    )
    assert list_values(table, "in_held_out") == [None, None]
    assert list_values(table, "near_held_out") == ["b", None]


def test_a_dev_text_is_compared_with_test_texts_only(make_table: MakeTable) -> None:
    rows = [
        Example("a", {"text": f"{ENGLISH}!"}, Label("good"), split="dev"),
        Example("b", {"text": ENGLISH}, Label("good"), split="dev"),
    ]
    assert list_values(make_table(rows), "near_held_out") == [None, None]


def test_a_document_that_is_a_test_text_is_named(make_table: MakeTable) -> None:
    held_out = [Example("t", {"text": ENGLISH}, Label("good"), split="test")]
    table = make_table([Document("d", ENGLISH.lower()), Document("e", CHINESE)], held_out=held_out)
    assert list_values(table, "in_held_out") == ["t", None]


def test_a_group_on_both_sides_of_the_split_is_named_and_no_group_is_none(make_table: MakeTable) -> None:
    rows = [
        Example("a", {"text": "one"}, Label("good"), group="author 1"),
        Example("b", {"text": "two"}, Label("good")),
        Example("c", {"text": "三"}, Label("bad"), split="test", group="author 1"),
        Example("d", {"text": "四"}, Label("bad"), split="test"),
    ]
    assert list_values(make_table(rows), "group_across") == ["c", None, None, None]
