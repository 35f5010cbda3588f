"""The file of a suite gives its rules; all its errors are reported at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from satiety.core.errors import DataError
from satiety.core.records import Document, Example
from satiety.problems.base import PROBLEMS
from satiety.validate import Validate
from satiety.validate.features import column_names
from satiety.validate.suites import Rule, read_suite
from satiety.validate.table import Table

SUITES = Path("expectations")
META = {"level": "row", "why": "because"}


def write_suite(folder: Path, *expectations: Any) -> None:
    (folder / "mine.json").write_text(json.dumps({"name": "mine", "expectations": expectations}), encoding="utf-8")


def build_rule(**fields: Any) -> dict[str, Any]:
    return {"type": "expect_column_values_to_be_null", "kwargs": {"column": "text"}, "meta": META} | fields


@pytest.mark.parametrize("kind", list(PROBLEMS))
def test_every_problem_has_a_suite_of_columns_and_parameters_that_exist(kind: str, params: Validate) -> None:
    problem = PROBLEMS[kind].sample()
    parameters = Table(Example, [], problem, params).parameters()
    suite = read_suite(SUITES, problem.suite, column_names(Example, problem), parameters)
    assert {"row", "table"} <= {rule.level for rule in suite.rules}


def test_the_corpus_has_a_suite(params: Validate) -> None:
    problem = PROBLEMS["classify"].sample()
    parameters = Table(Document, [], problem, params).parameters()
    assert read_suite(SUITES, "corpus", column_names(Document, problem), parameters).rules


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.json")), ids=lambda path: path.stem)
def test_a_suite_carries_the_name_of_its_file(path: Path) -> None:
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == path.stem


@pytest.mark.parametrize(
    "field", [name for name in Validate.model_fields if name not in {"row_share", "dedup_threshold"}]
)
def test_every_value_of_the_section_is_read_by_a_suite(field: str) -> None:
    assert any(f'{{"$PARAMETER": "{field}"}}' in path.read_text(encoding="utf-8") for path in SUITES.glob("*.json"))


def test_a_rule_is_named_by_its_type_its_columns_and_its_condition() -> None:
    condition = {"type": "comparison", "column": {"name": "split"}, "operator": "==", "parameter": "train"}
    assert Rule("expect_it", {"column": "标签", "row_condition": condition}, "row", "").name == (
        "expect_it(标签 where split == train)"
    )
    assert Rule("expect_it", {"column_A": "a", "column_B": "b"}, "row", "").name == "expect_it(a, b)"
    assert Rule("expect_it", {"column_list": ["a", "b"]}, "row", "").name == "expect_it(a, b)"
    assert Rule("expect_it", {"value": 3}, "table", "").name == "expect_it"


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ("text", r"mine\.json: expectation 1: needs a `type` \(a text\) and `kwargs` \(a mapping\)"),
        (build_rule(kwargs=[]), "expectation 1: needs a `type`"),
        (build_rule(meta={"why": "x"}), r"meta\.level must be one of: row, table, report \(got None\)"),
        (build_rule(meta={"level": "column", "why": "x"}), r"got 'column'"),
        (build_rule(meta={"level": "row", "why": " "}), r"meta\.why must give the reason for the rule"),
        (build_rule(kwargs={"column": "text", "mostly": 0.9}), "remove it, or use level table"),
        (build_rule(kwargs={"column": "txet"}), r"unknown column 'txet'; did you mean 'text'\? available: text, label"),
        (build_rule(kwargs={"column": "text", "max_value": {"$PARAMETER": "max_charactrs"}}),
         r"unknown parameter 'max_charactrs'; did you mean 'max_characters'\? available: max_characters"),
    ],
)  # fmt: skip
def test_an_error_of_a_suite_is_reported_with_its_place(tmp_path: Path, expectation: Any, message: str) -> None:
    write_suite(tmp_path, expectation)
    with pytest.raises(DataError, match=message):
        read_suite(tmp_path, "mine", ["text", "label"], ["max_characters"])


def test_all_errors_of_a_suite_are_reported_at_once(tmp_path: Path) -> None:
    write_suite(tmp_path, build_rule(meta={}), build_rule(), "text")
    with pytest.raises(
        DataError, match=r"expectation 1: .*meta\.level.*\n.*expectation 1: .*meta\.why.*\n.*expectation 3"
    ):
        read_suite(tmp_path, "mine", ["text"], [])


def test_a_duplicate_rule_is_refused(tmp_path: Path) -> None:
    write_suite(tmp_path, build_rule(), build_rule())
    with pytest.raises(DataError, match=r"expect_column_values_to_be_null\(text\): duplicate expectation"):
        read_suite(tmp_path, "mine", ["text"], [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{\n  oops", r"mine\.json:2: invalid JSON: Expecting property name"),
        ("期望".encode("gb18030"), r"mine\.json: not UTF-8 at byte 0; save it as UTF-8"),
        (b"[]", r"mine\.json: not a suite: `expectations` must be a non-empty list"),
        (b'{"expectations": []}', r"must be a non-empty list"),
    ],
)
def test_a_file_that_is_no_suite_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_suite(tmp_path, "mine", [], [])


def test_a_missing_suite_is_reported_with_the_suites_that_exist(tmp_path: Path) -> None:
    write_suite(tmp_path, build_rule())
    with pytest.raises(DataError, match=r"labelled_x\.json: no such suite; available: mine"):
        read_suite(tmp_path, "labelled_x", [], [])
