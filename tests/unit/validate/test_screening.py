"""Findings give clean rows, rejected rows with their reasons, and errors that stop the pipeline."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.validate.pages import render_pages
from satiety.validate.screening import (
    MAX_SHOWN,
    MAX_WITNESSES,
    RuleFinding,
    ScreenedTable,
    list_warnings,
    screen,
    shorten,
    stop_if_broken,
)
from satiety.validate.suites import Level, Rule, Suite
from satiety.validate.table import Table

MakeTable = Callable[..., Table[Any]]


def expect_null(column: str, level: Level = "row") -> Rule:
    return Rule("expect_column_values_to_be_null", {"column": column}, level, "it spoils the score")


def check(
    rules: Sequence[Rule], columns: Mapping[str, Sequence[Any]], parameters: Mapping[str, Any]
) -> list[RuleFinding]:
    """Check that values are None: a minimal checker."""
    rule_findings = []
    for rule in rules:
        values = columns[rule.columns[0]]
        rows = tuple(i for i, value in enumerate(values) if value is not None)
        observed = f"{len(rows)} of {len(values)} rows fail"
        rule_findings.append(
            RuleFinding(rule, not rows, f"{rule.column} must be null", observed, len(values), len(rows), rows)
        )
    return rule_findings


def screen_rows(make_table: MakeTable, rows: Sequence[Example], *rules: Rule) -> ScreenedTable[Any]:
    return screen(Suite("mine", Path("mine.json"), rules), make_table(rows), check)


def make_clean_rows(size: int) -> list[Example]:
    return [Example(f"c{i}", {"text": f"干净 {i}"}, Label("good")) for i in range(size)]


def test_a_row_that_fails_goes_to_quarantine_with_the_first_rule_it_failed(make_table: MakeTable) -> None:
    rows = [
        *make_clean_rows(3),
        Example("x", {"text": "同样的话"}, Label("good"), source="a.csv:7"),
        Example("y", {"text": "同样的话"}, Label("bad"), source="a.csv:8"),
    ]
    table_result = screen_rows(
        make_table, rows, expect_null("group_across"), expect_null("conflict_with"), expect_null("parent")
    )
    assert [row.id for row in table_result.clean] == ["c0", "c1", "c2"]
    assert [(row.id, row.source, row.twin, row.text) for row in table_result.rejected] == [
        ("x", "a.csv:7", "y", "同样的话"),
        ("y", "a.csv:8", "x", "同样的话"),
    ]
    assert {row.reason for row in table_result.rejected} == {"expect_column_values_to_be_null(conflict_with)"}
    assert table_result.rejected[0].detail == "conflict_with is y; expected: conflict_with must be null"


def test_other_rules_that_a_row_failed_are_named_too(make_table: MakeTable) -> None:
    rows = [
        *make_clean_rows(3),
        Example("x", {"text": "hm"}, Label("good"), parent="p"),
        Example("y", {"text": "hm"}, Label("good"), parent="p"),
    ]
    table_result = screen_rows(make_table, rows, expect_null("twin_of"), expect_null("parent"))
    assert {row.id: row.reason[-9:] for row in table_result.rejected} == {"x": "l(parent)", "y": "(twin_of)"}
    assert "also failed: expect_column_values_to_be_null(parent)" in table_result.rejected[1].detail


def test_rules_about_the_table_check_clean_rows_only(make_table: MakeTable) -> None:
    rows = [*make_clean_rows(3), Example("x", {"text": "hm"}, Label("good"), parent="p")]
    table_result = screen_rows(make_table, rows, expect_null("parent", "table"), expect_null("parent"))
    assert [(finding.rule.level, finding.passed, finding.checked) for finding in table_result.findings] == [
        ("table", True, 3),
        ("row", False, 4),
    ]


def test_a_table_that_breaks_a_rule_stops_the_pipeline_and_up_to_five_rows_are_shown(make_table: MakeTable) -> None:
    rows = [Example(f"id{i}", {"text": f"电话 {i} " + "很长" * 99}, Label("good"), parent=f"p{i}") for i in range(9)]
    table_result = screen_rows(make_table, rows, expect_null("parent", "table"))
    with pytest.raises(
        DataError,
        match=r"suite mine: expect_column_values_to_be_null\(parent\): observed: 9 of 9 rows "
        r"fail; expected: parent must be null; why: it spoils the score\n    id0: 'p0' in '电话 0 ",
    ) as raised:
        stop_if_broken([table_result], 0.2, "reports/data_docs/index.html")
    lines = str(raised.value).splitlines()
    assert len(lines) == 1 + MAX_WITNESSES + 1
    assert lines[-1] == "No output was written. See the Data Docs for details: reports/data_docs/index.html"
    assert max(map(len, lines[1:-1])) < MAX_SHOWN + 30


def test_all_tables_that_break_a_rule_are_named_at_once(make_table: MakeTable) -> None:
    bad = [Example("x", {"text": "hm"}, Label("good"), parent="p")]
    first, second = (screen_rows(make_table, bad, expect_null("parent", "table")) for _ in range(2))
    with pytest.raises(DataError, match=r"(?s)suite mine.*suite mine"):
        stop_if_broken([first, second], 0.2, "docs")


@pytest.mark.parametrize(("bad", "stops"), [(1, False), (2, False), (3, True)])
def test_more_than_the_allowed_share_in_quarantine_stops_the_pipeline(
    make_table: MakeTable, bad: int, stops: bool
) -> None:
    rows = [
        *make_clean_rows(10 - bad),
        *(Example(f"x{i}", {"text": f"hm {i}"}, Label("good"), parent="p") for i in range(bad)),
    ]
    table_result = screen_rows(make_table, rows, expect_null("parent"))
    if not stops:
        stop_if_broken([table_result], 0.2, "docs")
        return
    message = (
        r"suite mine: 3 of 10 rows would go to quarantine \(0\.300\); validate\.row_share allows 0\.2\. They failed:\n"
        r"suite mine: expect_column_values_to_be_null\(parent\): observed: 3 of 10 rows fail"
    )
    with pytest.raises(DataError, match=message):
        stop_if_broken([table_result], 0.2, "docs")


def test_tables_without_rows_or_with_bad_rows_only_are_screened(make_table: MakeTable) -> None:
    rules = (expect_null("parent"), expect_null("parent", "table"))
    assert screen_rows(make_table, [], *rules).clean == []
    none_left = screen_rows(make_table, [Example("x", {"text": "hm"}, Label("good"), parent="p")], *rules)
    with pytest.raises(DataError, match=r"1 of 1 rows would go to quarantine"):
        stop_if_broken([none_left], 0.2, "docs")


def test_warnings_contain_no_text(make_table: MakeTable) -> None:
    table_result = screen_rows(
        make_table, [Example("x", {"text": "secret words"}, Label("good"), parent="p")], expect_null("parent", "report")
    )
    stop_if_broken([table_result], 0.2, "docs")
    (warning,) = list_warnings(table_result)
    assert warning.startswith("suite mine: expect_column_values_to_be_null(parent): observed: 1 of 1 rows fail")
    assert "secret" not in warning


@pytest.mark.parametrize(
    ("value", "short"),
    [(20000.0, "20000"), (0.123456, "0.123"), ("a\nb\t c", "a b c"), (None, "None"), ("字" * 99, "字" * 59 + "…")],
)
def test_a_value_is_shown_short_and_on_one_line(value: Any, short: str) -> None:
    assert shorten(value) == short


def test_data_docs_escape_every_value_and_show_few_rows(make_table: MakeTable) -> None:
    nasty = "<img src=http://evil.example/x onerror=alert(1)> & 你好"
    rows = [Example(f"<b>{i}", {"text": f"{nasty} {i}"}, Label("good"), parent=nasty) for i in range(9)]
    table_result = screen_rows(make_table, rows, expect_null("parent", "report"))
    pages = render_pages([table_result], {"train": {"<i>好": 9}})
    assert set(pages) == {"index.html", "mine.html"}
    joined = "".join(pages.values())
    assert "<img" not in joined
    assert "<i>" not in joined
    assert "&lt;img src=http://evil.example/x" in pages["mine.html"]
    assert pages["mine.html"].count("你好") <= 2 * MAX_WITNESSES
    assert "&lt;i&gt;好" in pages["index.html"]


def test_equal_findings_give_equal_data_docs(make_table: MakeTable) -> None:
    rows = [*make_clean_rows(4), Example("x", {"text": "hm"}, Label("good"), parent="p")]
    first, second = (
        screen_rows(make_table, rows, expect_null("parent"), expect_null("twin_of", "table")) for _ in range(2)
    )
    assert render_pages([first], {}) == render_pages([second], {})
    assert "→ quarantine" in render_pages([first], {})["index.html"]
