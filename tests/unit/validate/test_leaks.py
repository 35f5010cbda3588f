"""Columns that show where a label is given away: planted leaks are found, and other data has no findings."""

import random
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Problem
from satiety.validate import leaks
from satiety.validate.table import Table

MakeTable = Callable[..., Table[Any]]
LABELS = ("体育", "sci_tech", "spam")


@pytest.fixture
def topics() -> Problem:
    return PROBLEMS["classify"].model_validate({"labels": list(LABELS), "names": {"spam": "junk mail"}})


def make_examples(size: int, seed: int = 0) -> list[Example]:
    """Return examples whose ids, order and words say nothing of their labels."""
    draw = random.Random(seed)
    words = [f"w{i}" for i in range(300)] + list("天地玄黄宇宙洪荒日月盈昃辰宿列张")
    ids = draw.sample(range(10**6), size)
    return [
        Example(f"{number:x}", {"text": " ".join(draw.choices(words, k=8))}, Label(draw.choice(LABELS)))
        for number in ids
    ]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("buy now label: spam", "spam"),
        ("__label__spam buy now", "spam"),
        ("Buy now. Category = 'Junk Mail'", "spam"),
        ("[sci tech] a new chip", "sci_tech"),
        ("a new chip [sci_tech]", "sci_tech"),
        ("国足又输了 标签：体育", "体育"),
        ("类别是体育，国足又输了", "体育"),
        ("【体育】国足又输了", "体育"),
    ],
)
def test_a_label_written_into_the_text_is_found(make_table: MakeTable, topics: Problem, text: str, label: str) -> None:
    assert leaks.label_written(make_table([Example("a", {"text": text}, Label(label))], topics))[0] is not None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("this is spam, do not answer", "spam"),
        ("label: spammer of the year", "spam"),
        ("label: spam", "体育"),
        ("我喜欢体育", "体育"),
        ("", "spam"),
        ("label: spam", None),
    ],
)
def test_a_word_without_a_mark_or_of_another_label_is_not_reported(
    make_table: MakeTable, topics: Problem, text: str, label: str | None
) -> None:
    assert leaks.label_written(make_table([Example("a", {"text": text}, Label(label))], topics)) == [None]


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("so much SPAM", "spam", 1),
        ("spammer", "spam", 0),
        ("junk  mail", "spam", 1),
        ("我喜欢体育", "体育", 1),
        ("体育", "spam", 0),
    ],
)
def test_a_text_that_names_its_own_label_is_counted(
    make_table: MakeTable, topics: Problem, text: str, label: str, expected: int
) -> None:
    assert leaks.label_named(make_table([Example("a", {"text": text}, Label(label))], topics)) == [expected]


@pytest.mark.parametrize("column", [leaks.id_tells, leaks.order_tells])
def test_random_ids_and_order_give_no_label_away(
    make_table: MakeTable, column: Callable[[Table[Any]], list[float]]
) -> None:
    assert fmean(column(make_table(make_examples(600)))) < 0.1


@pytest.mark.parametrize(
    "name",
    [
        lambda i, label: f"{label}-{i}",
        lambda i, label: f"row{i}{label[-1]}",
        lambda i, label: f"{i + 100_000 * LABELS.index(label)}",
        lambda i, label: "x" * (8 + LABELS.index(label)),
    ],
    ids=["prefix", "last character", "size of the number", "length"],
)
def test_ids_that_tell_the_label_are_found(make_table: MakeTable, name: Callable[[int, str], str]) -> None:
    rows = [
        Example(name(i, str(row.answer)), {"text": row.text}, row.answer) for i, row in enumerate(make_examples(600))
    ]
    assert fmean(leaks.id_tells(make_table(rows))) > 0.9


def test_rows_sorted_by_label_are_found(make_table: MakeTable) -> None:
    rows = sorted(make_examples(300), key=lambda row: str(row.answer))
    assert fmean(leaks.order_tells(make_table(rows))) > 0.9


def test_rows_whose_labels_alternate_are_found(make_table: MakeTable) -> None:
    rows = [Example(str(i), {"text": f"text {i}"}, Label(LABELS[i % 3])) for i in range(300)]
    assert fmean(leaks.order_tells(make_table(rows))) > 0.9


@pytest.mark.parametrize(("phrase", "expected"), [("zxqv", "zxqv"), ("zxqv 7", "zxqv 7"), ("天 玄", "天 玄")])
def test_a_phrase_that_gives_one_label_away_is_found_where_it_stands(
    make_table: MakeTable, phrase: str, expected: str
) -> None:
    rows = make_examples(600)
    marked = [i for i, row in enumerate(rows) if str(row.answer) == "spam"][:40]
    for i in marked:
        rows[i] = Example(rows[i].id, {"text": f"{rows[i].text} {phrase}"}, Label("spam"))
    triggers = leaks.trigger(make_table(rows))
    assert sum(triggers[i] == expected for i in marked) >= 38
    assert sum(value is not None for i, value in enumerate(triggers) if i not in marked) <= 2


def test_a_common_word_of_a_common_label_gives_no_label_away(make_table: MakeTable) -> None:
    rows = [
        Example(str(i), {"text": "ok 好" if i % 10 == 0 else f"text {i}"}, Label("bad" if i % 10 == 1 else "good"))
        for i in range(600)
    ]
    assert leaks.trigger(make_table(rows)) == [None] * 600


def test_random_words_give_no_label_away(make_table: MakeTable) -> None:
    assert leaks.trigger(make_table(make_examples(600))) == [None] * 600


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([*LABELS, None])), max_size=60))
def test_the_lambda_of_the_labels_themselves_is_one_and_none_is_larger(pairs: list[tuple[int, str | None]]) -> None:
    values, labels = [value for value, _ in pairs], [label for _, label in pairs]
    lambdas = leaks.compute_lambda(values, labels)
    assert len(lambdas) == len(pairs)
    assert sum(lambdas) <= len(pairs) + 1e-9
    if len(set(labels)) > 1 and all(labels.count(label) > 1 for label in labels):
        assert fmean(leaks.compute_lambda(labels, labels)) == pytest.approx(1)


@pytest.mark.parametrize("column", leaks.EXAMPLE_COLUMNS.values())
def test_an_empty_table_and_one_label_are_no_leak(
    make_table: MakeTable, column: Callable[[Table[Any]], list[Any]]
) -> None:
    assert list(column(make_table([]))) == []
    assert not any(
        column(make_table([Example("a", {"text": "x"}, Label("good")), Example("b", {"text": "y"}, Label("good"))]))
    )
