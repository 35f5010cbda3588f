"""Columns about the distribution of labels and the validity of spans."""

from collections.abc import Callable
from typing import Any

import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Example
from satiety.problems.base import Problem
from satiety.validate.balance import label_count, label_share, labels_missing
from satiety.validate.spans import EXAMPLE_COLUMNS
from satiety.validate.table import Table

MakeTable = Callable[..., Table[Any]]


def test_labels_are_counted_within_their_split(make_table: MakeTable) -> None:
    rows = [
        Example("a", {"text": "x"}, Label("good")),
        Example("b", {"text": "y"}, Label("good")),
        Example("c", {"text": "z"}, Label("bad")),
        Example("d", {"text": "w"}, Label("bad"), split="test"),
    ]
    table = make_table(rows)
    assert label_count(table) == [2, 2, 1, 1]
    assert label_share(table) == pytest.approx([2 / 3, 2 / 3, 1 / 3, 1])
    assert labels_missing(table) == [None, None, None, "good"]


def test_entity_types_that_a_split_lacks_are_named(make_table: MakeTable, ner: Problem) -> None:
    rows = [
        Example("a", {"text": "Ann"}, answer=Spans((Span(0, 3, "PER"),))),
        Example("b", {"text": "北京"}, answer=Spans((Span(0, 2, "LOC"),)), split="test"),
    ]
    assert labels_missing(make_table(rows, ner)) == ["LOC", "PER"]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Ann went to Rome.", (Span(0, 3, "PER"), Span(12, 16, "LOC"))),
        ("王小明去了北京。", (Span(0, 3, "PER"), Span(5, 7, "LOC"))),
        ("nobody", ()),
    ],
)
def test_valid_spans_have_no_findings(make_table: MakeTable, ner: Problem, text: str, spans: tuple[Span, ...]) -> None:
    table = make_table([Example("a", {"text": text}, answer=Spans(spans))], ner)
    columns = {name: column(table) for name, column in EXAMPLE_COLUMNS.items()}
    assert columns.pop("span_count") == [len(spans)]
    assert all(value == [None] for value in columns.values())


@pytest.mark.parametrize(
    ("column", "text", "spans", "description"),
    [
        ("span_outside", "Ann", (Span(0, 9, "PER"),), "0:9 PER"),
        ("span_outside", "北京", (Span(1, 1, "LOC"),), "1:1 LOC"),
        ("span_outside", "北京", (Span(-1, 1, "LOC"),), "-1:1 LOC"),
        ("span_blank", "a  b", (Span(1, 3, "LOC"),), "1:3 LOC '  '"),
        ("span_unknown", "Acme", (Span(0, 4, "ORG"),), "0:4 ORG 'Acme'"),
        ("span_disorder", "北京大学", (Span(0, 4, "LOC"), Span(2, 4, "LOC")), "2:4 LOC '大学'"),
        ("span_disorder", "Ann Bob", (Span(4, 7, "PER"), Span(0, 3, "PER")), "0:3 PER 'Ann'"),
        ("span_cut", "London", (Span(0, 3, "LOC"),), "0:3 LOC 'Lon'"),
        ("span_cut", "in Rome", (Span(2, 7, "LOC"),), "2:7 LOC ' Rome'"),
    ],
)
def test_an_invalid_span_is_named(
    make_table: MakeTable, ner: Problem, column: str, text: str, spans: tuple[Span, ...], description: str
) -> None:
    (value,) = EXAMPLE_COLUMNS[column](make_table([Example("a", {"text": text}, answer=Spans(spans))], ner))
    assert value.startswith(description)
