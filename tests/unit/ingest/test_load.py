"""Sources become examples and documents; every other row is rejected with its reason and place."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from satiety.core.answers import Span
from satiety.core.errors import DataError, ParamsError
from satiety.core.inputs import content_id
from satiety.ingest import Ingest
from satiety.ingest.load import LoadedRecords, load

COMMA = {"kind": "csv", "delimiter": ",", "quote": '"', "header": True}
CLASSIFY = {"kind": "classify", "labels": None, "names": {}}
NER = {"kind": "ner", "labels": None}


def build_params(**changes: Any) -> dict[str, Any]:
    source = {
        "uri": "file:data/raw/a.csv",
        "reader": COMMA,
        "columns": {"text": "text", "label": "label"},
        "split": None,
    }
    limits = {"row_bytes": 1000, "rows": 1000, "ratio": 100}
    sizes = {"seed": 1, "budget": 4, "dev": 0.5, "test": 2, "dedup_threshold": 0.8, "group_similarity": 0.65}
    base = {"uri": "file:data/raw/base"}
    fields = {
        "problem": CLASSIFY,
        "labelled": [source],
        "corpus": [],
        "base": base,
        "conflicts": "drop",
        "mask": ["email", "id_card", "bank_card", "phone", "secret"],
        "limits": limits,
    }
    return sizes | fields | changes


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("data/raw")
    folder.mkdir(parents=True)
    return folder


def load_sources(raw: Path, **changes: Any) -> LoadedRecords:
    section = Ingest.model_validate(build_params(**changes))
    return load(section.labelled, section.corpus, section.problem, section.limits, section.mask, raw)


def write_jsonl(raw: Path, *rows: Any) -> dict[str, Any]:
    (raw / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return {"uri": "file:data/raw/a.jsonl", "reader": {"kind": "jsonl"}, "split": None}


class TestRows:
    def test_an_example_has_its_text_label_and_place(self, raw: Path) -> None:
        (raw / "a.csv").write_text("text,label\n Tom &amp; 汤姆 , good\n", encoding="utf-8")
        records = load_sources(raw)
        (example,) = records.examples
        assert (example.text, str(example.answer), example.source) == ("Tom & 汤姆", "good", "data/raw/a.csv:2")
        assert example.id == content_id({"text": "tom  & 汤姆"})
        assert records.repairs == {"html": 1}

    @pytest.mark.parametrize(
        ("row", "reason", "detail"),
        [
            ({"text": "a", "label": None}, "missing", "label is null"),
            ({"text": None, "label": "1"}, "missing", "text is null"),
            ({"text": ["a"], "label": "1"}, "type", "text is a list, not text"),
            ({"text": "a", "label": " "}, "label", "the label is empty"),
            ({"text": " \u200b ", "label": "1"}, "empty", "the text is empty"),
            ({"text": "half \ud83d", "label": "1"}, "text", "incomplete surrogate pair at character 5"),
            ({"text": "好", "label": "\udc80"}, "text", "incomplete surrogate pair in the label"),
        ],
    )
    def test_an_invalid_row_is_rejected_with_its_reason(self, raw: Path, row: Any, reason: str, detail: str) -> None:
        source = write_jsonl(raw, {"text": "很好", "label": True}, row) | {
            "columns": {"text": "text", "label": "label"}
        }
        records = load_sources(raw, labelled=[source])
        (rejected,) = records.rejected
        assert (rejected.reason, rejected.detail, rejected.source) == (reason, detail, "data/raw/a.jsonl:2")
        assert [(e.text, str(e.answer)) for e in records.examples] == [("很好", "true")]
        assert records.row_count == 2

    def test_a_label_the_user_did_not_name_is_refused(self, raw: Path) -> None:
        (raw / "a.csv").write_text("text,label\na,good\nb,godo\n")
        records = load_sources(raw, problem=CLASSIFY | {"labels": ["good", "bad"]})
        assert [r.detail for r in records.rejected] == ["label 'godo' is not one of: good, bad"]

    def test_a_text_longer_than_allowed_is_rejected_in_every_format(self, raw: Path) -> None:
        (raw / "a.json").write_text(json.dumps(["长" * 1001, "短"]))
        corpus = [{"uri": "file:data/raw/a.json", "reader": {"kind": "json"}, "columns": {"text": "*"}}]
        (raw / "a.csv").write_text("text,label\na,b\n")
        records = load_sources(raw, corpus=corpus)
        assert [d.text for d in records.documents] == ["短"]
        assert (records.rejected[0].reason, records.rejected[0].detail) == (
            "too_long",
            "1,001 characters, above ingest.limits.row_bytes: 1,000",
        )

    @pytest.mark.parametrize("content", ["text,label\n", "\n"])
    def test_a_file_without_a_row_is_refused(self, raw: Path, content: str) -> None:
        (raw / "a.csv").write_text(content)
        with pytest.raises(DataError, match=r"a\.csv: (the reader `csv` found no rows|the file is empty)"):
            load_sources(raw)

    @pytest.mark.parametrize(
        "secret", ["jane&#64;example.com", "139\u200b1234\u200b5678", "sk-Ab3dEf6hIj9kLm2nOp5qRs8t"]
    )
    def test_messages_of_readers_show_no_personal_data(self, raw: Path, secret: str) -> None:
        """The first row of a file without a header is read as the header, however long it is."""
        for length in (0, *range(430, 500, 3), *range(900, 945, 3)):
            (raw / "a.csv").write_text(f"{'x' * length} {secret},good\n", encoding="utf-8")
            with pytest.raises(DataError, match=r"a\.csv:1: unknown column 'text'") as caught:
                load_sources(raw)
            assert not [part for part in ("jane", "1234", "sk-", "Ab3d") if part in str(caught.value)]
            assert len(str(caught.value)) <= 1000
        (raw / "a.csv").write_text(f"{secret},{secret}\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"a\.csv:1: two columns are called '<(email|phone|secret)>'"):
            load_sources(raw)

    def test_an_empty_file_is_refused(self, raw: Path) -> None:
        (raw / "a.csv").touch()
        with pytest.raises(DataError, match=r"data/raw/a\.csv: the file is empty"):
            load_sources(raw)

    def test_many_files_are_one_source_and_may_be_bound_to_a_split(self, raw: Path) -> None:
        for name in ("b", "a"):
            (raw / f"{name}.csv").write_text(f"text,label\n{name}一,x\n")
        (source,) = build_params()["labelled"]
        records = load_sources(raw, labelled=[source | {"uri": "file:data/raw/*.csv", "split": "test"}])
        assert [e.source for e in records.examples] == ["data/raw/a.csv:2", "data/raw/b.csv:2"]
        assert records.bindings == {"data/raw/a.csv:2": "test", "data/raw/b.csv:2": "test"}


class TestSpans:
    @pytest.mark.parametrize("spans", [[[4, 12, "ORG"]], [{"start": 4, "end": 12, "label": "ORG"}]])
    def test_spans_follow_the_repairs_of_their_text(self, raw: Path, spans: Any) -> None:
        source = write_jsonl(raw, {"text": "Ask AT&amp;T 吧", "spans": spans}) | {
            "columns": {"text": "text", "spans": "spans"}
        }
        (example,) = load_sources(raw, labelled=[source], problem=NER).examples
        assert (example.text, example.answer.mentions) == ("Ask AT&T 吧", (Span(4, 8, "ORG"),))

    @pytest.mark.parametrize(
        ("spans", "detail"),
        [
            ("PER", "spans must be a list such as [[start, end, label], …], not a str"),
            ([[0, 2]], "each span must be [start, end, label], or an object with these keys"),
            ([[0, "x", "PER"]], "each span must be [start, end, label], or an object with these keys"),
            ([[0, 99, "PER"]], "span 0:99 is outside a text of 6 characters"),
            ([[0, 3, "PER"], [2, 4, "LOC"]], "span 2:4 overlaps the previous span"),
        ],
    )
    def test_invalid_spans_reject_their_row(self, raw: Path, spans: Any, detail: str) -> None:
        source = write_jsonl(raw, {"text": "江泽民在北京", "spans": spans}) | {
            "columns": {"text": "text", "spans": "spans"}
        }
        (rejected,) = load_sources(raw, labelled=[source], problem=NER).rejected
        assert rejected.detail == detail


class TestParams:
    def read_error(self, tmp_path: Path, **changes: Any) -> str:
        path = tmp_path / "params.yaml"
        block = build_params(**changes)
        text = yaml.safe_dump({"project": {"base": block.pop("base")}, "ingest": block}, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ParamsError) as caught:
            Ingest.load(path)
        return str(caught.value)

    def build_source(self, **changes: Any) -> list[dict[str, Any]]:
        return [build_params()["labelled"][0] | changes]

    def test_valid_params_are_read_back_as_written(self, tmp_path: Path) -> None:
        section = Ingest.model_validate(build_params())
        assert Ingest.model_validate(section.model_dump()) == section
        assert section.model_dump()["labelled"][0]["reader"] == COMMA

    def test_a_missing_column_is_named(self, tmp_path: Path) -> None:
        message = "file:data/raw/a.csv: `columns` must also map: label"
        assert message in self.read_error(tmp_path, labelled=self.build_source(columns={"text": "text"}))
        spans = "`columns` must also map: spans"
        assert spans in self.read_error(tmp_path, problem=NER)

    def test_an_unknown_column_is_refused(self, tmp_path: Path) -> None:
        columns = {"text": "text", "label": "label", "标签": "x"}
        assert "`columns`: unknown field '标签'; available: text, label, group" in self.read_error(
            tmp_path, labelled=self.build_source(columns=columns)
        )

    def test_formats_that_give_their_own_columns_need_no_mapping(self) -> None:
        conll = {"kind": "conll", "token": 0, "tag": 1, "delimiter": None, "join": " "}
        text = {"kind": "text", "label": "好"}
        assert Ingest.model_validate(build_params(problem=NER, labelled=self.build_source(reader=conll, columns={})))
        assert Ingest.model_validate(build_params(labelled=self.build_source(reader=text, columns={})))
        with pytest.raises(ValueError, match="must also map: label"):
            Ingest.model_validate(build_params(labelled=self.build_source(reader=text | {"label": None}, columns={})))

    def test_a_misspelt_reader_says_what_was_meant(self, tmp_path: Path) -> None:
        message = self.read_error(tmp_path, labelled=self.build_source(reader=COMMA | {"kind": "cvs"}))
        assert "unknown reader 'cvs'; did you mean 'csv'? available: conll, csv, json" in message
        assert "params.yaml:" in message
