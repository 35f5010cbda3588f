"""Every shown part of a row is repaired, then masked, then cut; so are labels."""

from typing import Any

import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Example, Rejection
from satiety.ingest.base import Limits, Row
from satiety.ingest.clean import KEPT_NOTE, KEPT_TEXT, CleanedRow, Cleaner
from satiety.problems.base import Problem
from satiety.problems.classify import Classify
from satiety.problems.ner import Ner

HIDE = ("email", "id_card", "bank_card", "phone", "secret")
LIMITS = Limits(row_bytes=100_000, rows=9, ratio=10)
FREE = Classify(labels=None, names={})


def clean_row(row: Row, problem: Problem | None = FREE) -> CleanedRow:
    return Cleaner(problem, LIMITS, HIDE).clean("原始/a@b.cn.csv", row)


def read_example(values: dict[str, Any], problem: Problem = FREE, place: str = "7") -> Example:
    record = clean_row(Row(place, values), problem).record
    assert isinstance(record, Example), record
    return record


def read_rejection(row: Row, problem: Problem | None = FREE) -> Rejection:
    record = clean_row(row, problem).record
    assert isinstance(record, Rejection), record
    return record


class TestLabels:
    @pytest.mark.parametrize(
        ("label", "clean"),
        [
            ("neg\u200b", "neg"),
            ("cafe\u0301", "café"),
            ("po\x1b[31ms", "pos"),
            ("好评\u202e ", "好评"),
            ("R&amp;D", "R&D"),
            ("owner@x.com", "<email>"),
            ("jane&#64;ex\u200bample.com", "<email>"),
            ("客户13812345678", "客户<phone>"),
        ],
    )
    @pytest.mark.parametrize("problem", [FREE, Ner(labels=None)])
    def test_a_label_is_repaired_and_masked_as_texts_are(self, problem: Problem, label: str, clean: str) -> None:
        values = {"text": "王芳 said so", "label": label, "spans": [[0, 2, label]]}
        example = read_example(values, problem)
        assert example.answer.labels == (clean,)

    def test_repairs_and_masks_of_a_label_are_counted(self) -> None:
        cleaned = clean_row(Row("1", {"text": "fine", "label": "jane&#64;x.cn"}))
        assert (cleaned.repairs, cleaned.masked) == (("label",), {"email"})
        assert clean_row(Row("1", {"text": "fine", "label": "好"})).repairs == ()

    @pytest.mark.parametrize("listed_label", ["owner@x.com", "cafe\u0301"])
    def test_a_label_listed_in_params_stays_as_written(self, listed_label: str) -> None:
        problem = Classify(labels=[listed_label, "b"], names={})
        assert read_example({"text": "fine", "label": f"{listed_label}\u200b"}, problem).answer == Label(listed_label)

    @pytest.mark.parametrize("label", ["\u200b", " "])
    def test_a_label_that_is_empty_after_repair_is_refused(self, label: str) -> None:
        assert read_rejection(Row("1", {"text": "好", "label": label})).detail == "the label is empty"
        spans = {"text": "好的", "spans": [[0, 2, label]]}
        assert read_rejection(Row("1", spans), Ner(labels=None)).detail == "span 0:2 has no entity type"

    def test_endless_combining_marks_in_a_label_are_refused(self) -> None:
        record = read_rejection(Row("1", {"text": "好", "label": "e" + "\u0301" * 2000}))
        assert (record.reason, record.detail) == (
            "label",
            "in the label: more than 1,000 combining marks in a row from character 1",
        )


class TestSurrogates:
    def test_a_surrogate_in_a_key_rejects_the_row(self) -> None:
        record = read_rejection(Row("名\ud800.text", {"text": "好", "label": "a"}))
        assert (record.reason, record.source) == ("text", "原始/a@b.cn.csv:名?.text")

    def test_a_surrogate_in_the_label_of_a_span_rejects_the_row(self) -> None:
        record = read_rejection(Row("1", {"text": "王芳 said so", "spans": [[0, 2, "\ud800"]]}), Ner(labels=None))
        assert (record.reason, record.detail) == ("text", "incomplete surrogate pair in the label")


class TestPersonalData:
    def test_personal_data_in_a_key_is_masked_but_the_file_name_stays(self) -> None:
        for place, masked in (("用户.jane@x.com", "用户.<email>"), ("3.13812345678.0.text", "3.<phone>.0.text")):
            assert read_example({"text": "好", "label": "a"}, place=place).source == f"原始/a@b.cn.csv:{masked}"

    @pytest.mark.parametrize(
        ("secret", "kind"),
        [
            ("jane&#64;example.com", "email"),
            ("jo\u200bhn@x\u200b.com", "email"),
            ("139\u200b1234\u200b5678", "phone"),
            ("AKIA&#73;OSFODNN7EXAMPLE", "secret"),
        ],
    )
    def test_a_valid_row_is_repaired_before_it_is_masked(self, secret: str, kind: str) -> None:
        masked = f"<{kind}>"
        cleaned = clean_row(Row("1", {"text": f"找 {secret} 吧", "label": "a"}))
        assert isinstance(cleaned.record, Example)
        assert (cleaned.record.text, cleaned.masked) == (f"找 {masked} 吧", {kind})
        document = clean_row(Row("1", {"text": f"找 {secret} 吧"}), None).record
        assert getattr(document, "text", "") == f"找 {masked} 吧"
        text = f"找 {secret} 吧，北京"
        example = read_example({"text": text, "spans": [[len(text) - 2, len(text), "LOC"]]}, Ner(labels=None))
        (place,) = example.answer.mentions
        assert (example.text, example.text[place.start :]) == (f"找 {masked} 吧，北京", "北京")

    def test_a_key_with_dots_of_its_own_is_masked_whole(self) -> None:
        token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
        assert read_example({"text": "好", "label": "a"}, place=f"a.{token}.text").source.endswith(":a.<secret>.text")

    def test_a_line_number_is_not_masked(self) -> None:
        assert read_example({"text": "好", "label": "a"}, place="10000000").source.endswith(":10000000")

    @pytest.mark.parametrize("secret", ["jane&#64;example.com", "jo\u200bhn@x\u200b.com", "139\u200b1234\u200b5678"])
    @pytest.mark.parametrize("broken", ["", "\ud800", "e" + "\u0301\u0327" * 5000])
    def test_a_refused_row_is_repaired_as_far_as_possible_before_it_is_masked(self, secret: str, broken: str) -> None:
        record = read_rejection(Row("1", reason="ragged", detail=f"值 '{secret}'", text=f"找 {secret} 吧 {broken}"))
        assert record.text.startswith(("找 <email> 吧", "找 <phone> 吧"))
        assert record.detail in ("值 '<email>'", "值 '<phone>'")

    def test_a_cut_leaves_no_half_of_a_number(self) -> None:
        for size in range(8):
            text = "字" * (KEPT_TEXT - size) + " 13812345678"
            detail = "字" * (KEPT_NOTE - size) + " bob@example.com"
            record = read_rejection(Row("1", reason="ragged", detail=detail, text=text))
            assert not any(character.isdigit() for character in record.text)
            assert "bob" not in record.detail
            assert (len(record.text), len(record.detail)) == (KEPT_TEXT, KEPT_NOTE)

    def test_a_row_that_is_too_long_is_not_shown(self) -> None:
        record = read_rejection(Row("1", {"text": "长" * 100_001, "label": "a"}))
        assert (record.reason, record.text) == ("too_long", "")


class TestSpans:
    @pytest.mark.parametrize("end", [float("inf"), float("nan"), "3.5", None])
    def test_an_end_that_is_no_number_is_refused(self, end: Any) -> None:
        assert (
            read_rejection(Row("1", {"text": "王芳来了", "spans": [[0, end, "PER"]]}), Ner(labels=None)).reason
            == "type"
        )

    def test_a_span_moves_with_its_text(self) -> None:
        values = {"text": "致电13812345678找王芳", "spans": [{"start": 14, "end": 16, "label": "人"}]}
        assert read_example(values, Ner(labels=None)).answer == Spans((Span(10, 12, "人"),))
