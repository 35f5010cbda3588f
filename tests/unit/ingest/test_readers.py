"""Every reader gives rows of text, guesses nothing, and rejects single rows."""

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import DataError
from satiety.ingest.base import READERS, Columns, Limits, Row

LIMITS = Limits(row_bytes=1_000_000, rows=1_000_000, ratio=200)
COMMA = {"kind": "csv", "delimiter": ",", "quote": '"', "header": True}
TAB = {"kind": "csv", "delimiter": "\t", "quote": None, "header": False}
CONLL = {"kind": "conll", "token": 0, "tag": 1, "delimiter": None, "join": " "}
TAGGED = {"kind": "tagged", "labels": {"nr": "PER", "ns": "LOC", "nt": "ORG"}, "merge": ["nr"], "join": ""}
BOTH: Columns = {"text": "text", "label": "label"}
ODD = [
    "NA",
    "null",
    "None",
    "nan",
    "007",
    "1e5",
    "01",
    "true",
    "=1+1",
    "@cmd",
    "-1",
    "{{ x }}",
    "!!python/object:x",
    "",
]


def read(reader: dict[str, Any], path: Path, columns: Columns = BOTH, limits: Limits = LIMITS) -> list[Row]:
    fields = dict(reader)
    return list(READERS[fields.pop("kind")].model_validate(fields).read(path, columns, limits))


def read_values(reader: dict[str, Any], path: Path, columns: Columns = BOTH) -> list[list[Any]]:
    return [
        [row.values[name] for name in columns] if not row.reason else [row.reason]
        for row in read(reader, path, columns)
    ]


def write_data(folder: Path, text: str) -> Path:
    path = folder / "data"
    path.write_text(text, encoding="utf-8", newline="")
    return path


class TestEveryReader:
    """The same two examples, written in every format."""

    ROWS = (("今天 天气 很好", "好"), ("What a day", "bad"))

    @pytest.fixture
    def sources(self, tmp_path: Path) -> dict[str, tuple[dict[str, Any], bytes, Columns]]:
        import pyarrow as pa
        from pyarrow import parquet

        objects = [{"text": text, "label": label} for text, label in self.ROWS]
        parquet.write_table(pa.Table.from_pylist(objects), tmp_path / "p")
        tokens = "\n\n".join("\n".join(f"{word} O" for word in text.split()) for text, _ in self.ROWS)
        return {
            "csv": (COMMA, "\n".join(["text,label", *map(",".join, self.ROWS)]).encode(), BOTH),
            "tsv": (TAB, "\n".join(map("\t".join, self.ROWS)).encode(), {"text": 0, "label": 1}),
            "jsonl": ({"kind": "jsonl"}, "\n".join(map(json.dumps, objects)).encode(), BOTH),
            "json": ({"kind": "json"}, json.dumps(objects).encode(), {"text": "*.text", "label": "*.label"}),
            "parquet": ({"kind": "parquet"}, (tmp_path / "p").read_bytes(), BOTH),
            "text": ({"kind": "text", "label": None}, "\n".join(text for text, _ in self.ROWS).encode(), {}),
            "conll": (CONLL, tokens.encode(), {}),
            "tagged": (
                TAGGED | {"join": " "},
                "\n".join(t.replace(" ", "/v ") + "/v" for t, _ in self.ROWS).encode(),
                {},
            ),
        }

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "json", "parquet", "text", "conll", "tagged"])
    def test_every_reader_gives_the_same_texts(self, tmp_path: Path, sources: Any, name: str, packed: bool) -> None:
        reader, data, columns = sources[name]
        path = tmp_path / "source"
        packs_itself = name == "parquet"
        path.write_bytes(gzip.compress(data) if packed and not packs_itself else data)
        rows = read(reader, path, columns)
        assert [
            (row.values["text"], row.values.get("label", label))
            for row, (_, label) in zip(rows, self.ROWS, strict=True)
        ] == list(self.ROWS)

    def test_every_registered_reader_is_tested(self, sources: Any) -> None:
        assert {reader["kind"] for reader, _, _ in sources.values()} == set(READERS)


class TestCsv:
    @pytest.mark.parametrize("text", ODD)
    def test_text_stays_text(self, tmp_path: Path, text: str) -> None:
        assert read_values(COMMA, write_data(tmp_path, f"text,label\n{text},01\n")) == [[text, "01"]]

    @given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=10))
    def test_reads_what_the_csv_module_writes(
        self, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
    ) -> None:
        import csv

        path = tmp_path_factory.mktemp("csv") / "data"
        clean = [[re.sub("[\r\ud800-\udfff\0]", "", cell) for cell in row] for row in rows]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["text", "label"], *clean])
        assert read_values(COMMA, path) == clean

    def test_a_quoted_value_holds_delimiters_quotes_and_line_breaks(self, tmp_path: Path) -> None:
        path = write_data(tmp_path, 'label,text\r\n好,"第一行\r\n第二行, ""引号"""\r\nbad,plain\r\n')
        rows = read(COMMA, path)
        assert [row.values["text"] for row in rows] == ['第一行\n第二行, "引号"', "plain"]
        assert [row.place for row in rows] == ["2", "4"]

    def test_quotes_are_text_where_none_are_expected(self, tmp_path: Path) -> None:
        assert read_values(TAB, write_data(tmp_path, '“三把火”"或\tx\n'), {"text": 0, "label": 1}) == [
            ['“三把火”"或', "x"]
        ]

    @pytest.mark.parametrize(
        ("line", "detail"), [("a,b,c", "3 values where the header has 2"), ("alone", "1 values where the header has 2")]
    )
    def test_a_ragged_row_is_rejected_with_its_line(self, tmp_path: Path, line: str, detail: str) -> None:
        rows = read(COMMA, write_data(tmp_path, f"text,label\ngood,1\n{line}\n好,2\n"))
        assert [(row.place, row.reason) for row in rows] == [("2", ""), ("3", "ragged"), ("4", "")]
        assert (rows[1].detail, rows[1].text) == (detail, line)

    @pytest.mark.parametrize("broken", ['"never closed,1', '"closed" too early,1'])
    def test_a_broken_quote_rejects_only_its_own_line(self, tmp_path: Path, broken: str) -> None:
        valid_rows = "".join(f'"第{i}行",2\n' for i in range(400))
        rows = read(COMMA, write_data(tmp_path, f"text,label\n{broken}\n{valid_rows}"))
        assert (rows[0].place, rows[0].reason) == ("2", "quoting")
        assert [row.values.get("text") for row in rows[1:]] == [f"第{i}行" for i in range(400)]

    def test_bad_bytes_within_a_quoted_value_reject_its_row(self, tmp_path: Path) -> None:
        path = tmp_path / "data"
        path.write_bytes(b'text,label\n"one\n\xff two",1\nthree,2\n')
        bad, good = read(COMMA, path)
        assert (bad.reason, bad.detail, good.values["text"]) == (
            "encoding",
            "not UTF-8 at byte 16: ff 20 74 77",
            "three",
        )

    @pytest.mark.parametrize(
        ("text", "columns", "message"),
        [
            ("txt,label\na,b\n", BOTH, "unknown column 'text'; did you mean 'txt'? available: txt, label"),
            ("text,文本\na,b\n", {"text": "正文"}, "unknown column '正文'; available: text, 文本"),
            ("id;text\n1;a\n", {"text": "text"}, "the delimiter seems to be ';', not ','; available: id;text"),
            ("text,text\na,b\n", {"text": "text"}, "two columns are called 'text'; rename one"),
            (
                "text,label\na,b\n",
                {"text": 0, "label": 2},
                "unknown column 2; the header has 2 columns, counted from 0",
            ),
            ("\n", BOTH, "the file is empty"),
        ],
    )
    def test_a_schema_that_does_not_fit_is_refused(
        self, tmp_path: Path, text: str, columns: Columns, message: str
    ) -> None:
        with pytest.raises(DataError, match=re.escape(message)):
            read(COMMA, write_data(tmp_path, text), columns)

    def test_names_need_a_header(self, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"without a header, `columns: \{text: text\}` must be an index, counted from 0"
        ):
            read(TAB, write_data(tmp_path, "a\tb\n"))

    def test_an_index_beyond_the_row_is_ragged(self, tmp_path: Path) -> None:
        assert read_values(TAB, write_data(tmp_path, "a\tb\n"), {"text": 0, "label": 5}) == [["ragged"]]


class TestJson:
    @pytest.mark.parametrize(
        ("line", "detail"),
        [
            ('{"text": "a", "label": NaN}', "NaN is not a JSON value"),
            ('{"text": "a", "label": Infinity}', "Infinity is not a JSON value"),
            ('{"text": "a", "label": ' + "7" * 5000 + "}", "a number of 5,000 digits"),
            ('{"text": "a", "text": "b", "label": 1}', "duplicate key in an object"),
            ("[" * 100_000, "nested too deeply"),
            ('{"text": "a"}', "no key or index 'label'"),
            ('{"text": "a", "label": ', "invalid JSON: Expecting value"),
            ('"text"', "no key or index 'text'"),
        ],
    )
    def test_an_ambiguous_line_of_json_is_refused_alone(self, tmp_path: Path, line: str, detail: str) -> None:
        good = '{"text": "好", "label": "1"}'
        first, bad, last = read({"kind": "jsonl"}, write_data(tmp_path, f"{good}\n{line}\n\n{good}\n"))
        assert (bad.place, bad.reason) == ("2", "json")
        assert detail in bad.detail
        assert first.values == {"text": "好", "label": "1"}
        assert (last.place, last.values) == ("4", first.values)

    @pytest.mark.parametrize(("written_as", "text"), [("1e5", "1e5"), ("1.0", "1.0"), ("-0", "-0"), ('"007"', "007")])
    def test_a_number_is_the_text_it_is_written_in(self, tmp_path: Path, written_as: str, text: str) -> None:
        assert read_values({"kind": "jsonl"}, write_data(tmp_path, f'{{"text": "a", "label": {written_as}}}')) == [
            ["a", text]
        ]

    def test_patterns_reach_every_child_of_lists_and_objects(self, tmp_path: Path) -> None:
        dialogues = {"a": {"turns": [[{"text": "你好"}, {"text": "hi"}]]}, "b": {"turns": [[{"text": "bye"}]]}}
        rows = read({"kind": "json"}, write_data(tmp_path, json.dumps(dialogues)), {"text": "*.turns.*.*.text"})
        assert [(row.place, row.values["text"]) for row in rows] == [
            ("a.turns.0.0", "你好"),
            ("a.turns.0.1", "hi"),
            ("b.turns.0.0", "bye"),
        ]

    def test_columns_share_their_stars(self, tmp_path: Path) -> None:
        pairs = {"train": [["订机票", "flight"], ["hello", "greet"]], "test": [["x", "y"]]}
        values_read = read_values(
            {"kind": "json"}, write_data(tmp_path, json.dumps(pairs)), {"text": "train.*.0", "label": "train.*.1"}
        )
        assert values_read == [["订机票", "flight"], ["hello", "greet"]]

    def test_a_parent_value_goes_to_each_of_its_children(self, tmp_path: Path) -> None:
        data = [{"title": "A", "parts": [{"text": "1"}, {"text": "2"}]}, {"title": "B", "parts": [{"text": "3"}]}]
        columns: Columns = {"label": "*.title", "text": "*.parts.*.text"}
        assert read_values({"kind": "json"}, write_data(tmp_path, json.dumps(data)), columns) == [
            ["A", "1"],
            ["A", "2"],
            ["B", "3"],
        ]

    def test_a_broken_object_rejects_only_its_own_row(self, tmp_path: Path) -> None:
        duplicate_keys = '{"text": "a", "text": "b", "label": 1}'
        text = f'[{{"text": "好", "label": 1}}, {duplicate_keys}, {{"label": 2}}, {{"text": "c", "label": 3}}]'
        values_read = read_values({"kind": "json"}, write_data(tmp_path, text), {"text": "*.text", "label": "*.label"})
        assert values_read == [["好", "1"], ["json"], ["json"], ["c", "3"]]

    @pytest.mark.parametrize(
        ("text", "columns", "message"),
        [
            ("[" * 100_000, {"text": "*"}, "nested too deeply"),
            ("[1, ", {"text": "*"}, "invalid JSON: Expecting value"),
            ('[{"a": [1], "b": [2]}]', {"text": "*.a.*", "label": "*.b.*"}, "iterate over different lists: *."),
        ],
    )
    def test_a_file_that_is_no_json_is_refused(self, tmp_path: Path, text: str, columns: Columns, message: str) -> None:
        with pytest.raises(DataError, match=re.escape(message)):
            read({"kind": "json"}, write_data(tmp_path, text), columns)

    def test_bad_bytes_are_named_by_their_offset(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b'["a", "\xff"]')
        with pytest.raises(DataError, match="not UTF-8 at byte 7; save it as UTF-8"):
            read({"kind": "json"}, tmp_path / "data", {"text": "*"})

    def test_more_rows_than_allowed_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="more than 2 rows"):
            read(
                {"kind": "json"},
                write_data(tmp_path, '["a", "b", "c"]'),
                {"text": "*"},
                LIMITS.model_copy(update={"rows": 2}),
            )


class TestParquet:
    def write_table(self, folder: Path, **columns: list[Any]) -> Path:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table(columns), folder / "data")
        return folder / "data"

    def test_an_unknown_column_is_reported_with_the_columns_that_exist(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"unknown column 'label'; did you mean 'labels'\? available: text, labels"):
            read({"kind": "parquet"}, self.write_table(tmp_path, text=["a"], labels=["b"]))

    def test_half_a_file_is_refused(self, tmp_path: Path) -> None:
        path = self.write_table(tmp_path, text=["好"] * 100, label=["b"] * 100)
        path.write_bytes(path.read_bytes()[:-50])
        with pytest.raises(DataError, match=r"data: damaged Parquet file \(.*\); download it again"):
            read({"kind": "parquet"}, path)

    def test_more_rows_than_allowed_are_refused(self, tmp_path: Path) -> None:
        path = self.write_table(tmp_path, text=["好"] * 5, label=["b"] * 5)
        with pytest.raises(DataError, match=r"more than 4 rows \(5\); raise ingest\.limits\.rows"):
            read({"kind": "parquet"}, path, BOTH, LIMITS.model_copy(update={"rows": 4}))

    def test_a_text_that_is_not_utf8_rejects_its_row(self, tmp_path: Path) -> None:
        import pyarrow as pa

        texts = pa.array(["好".encode(), b"caf\xe9", None], pa.binary()).view(pa.string())
        good, bad, none = read({"kind": "parquet"}, self.write_table(tmp_path, text=texts, label=["a", "b", "c"]))
        assert dict(good.values) == {"text": "好", "label": "a"}
        assert (bad.place, bad.reason, bad.detail) == ("2", "encoding", "text is not UTF-8 at byte 3: e9")
        assert bad.text == "caf\ufffd"
        assert none.values["text"] is None

    def test_a_label_in_a_list_that_is_not_utf8_is_one_message(self, tmp_path: Path) -> None:
        import pyarrow as pa

        labels = pa.array([b"\xff"], pa.binary()).view(pa.string())
        spans = pa.ListArray.from_arrays([0, 1], labels)
        with pytest.raises(DataError, match="a list after row 0 contains text that is not UTF-8"):
            read({"kind": "parquet"}, self.write_table(tmp_path, text=["a"], label=spans))

    @pytest.mark.parametrize("kinds", [200, 1])
    def test_parquet_that_unpacks_to_far_more_is_refused(self, tmp_path: Path, kinds: int) -> None:
        """Whether 200 values are compressed to few bytes, or all rows point at one value of a dictionary."""
        texts = ["长" * 50_000 + str(i % kinds) for i in range(200)]
        path = self.write_table(tmp_path, text=texts, label=["a"] * 200)
        with pytest.raises(DataError, match=r"bytes of Parquet unpack to over [\d,]+, above ingest\.limits\.ratio: "):
            read({"kind": "parquet"}, path, BOTH, LIMITS.model_copy(update={"ratio": 10}))

    def test_well_compressed_parquet_is_read(self, tmp_path: Path) -> None:
        rows = read({"kind": "parquet"}, self.write_table(tmp_path, text=["同样的文字"] * 50_000, label=["a"] * 50_000))
        assert len(rows) == 50_000


class TestText:
    def test_a_file_may_be_of_one_label(self, tmp_path: Path) -> None:
        rows = read({"kind": "text", "label": "好评"}, write_data(tmp_path, "很好\n\n不错\n"), {})
        assert [(row.place, dict(row.values)) for row in rows] == [
            ("1", {"text": "很好", "label": "好评"}),
            ("3", {"text": "不错", "label": "好评"}),
        ]


class TestConll:
    def read_spans(self, row: Row) -> list[tuple[str, str]]:
        return [(row.values["text"][start:end], label) for start, end, label in row.values["spans"]]

    def test_tags_become_spans_of_the_joined_text(self, tmp_path: Path) -> None:
        text = "The O\nEmpire B-loc\nState I-loc\nin O\nParis B-loc\nLyon B-loc\n \t \nAnna I-per\nB. I-loc\n"
        first, second = read(CONLL, write_data(tmp_path, text), {})
        assert first.values["text"] == "The Empire State in Paris Lyon"
        assert self.read_spans(first) == [("Empire State", "loc"), ("Paris", "loc"), ("Lyon", "loc")]
        assert self.read_spans(second) == [("Anna", "per"), ("B.", "loc")]
        assert (first.place, second.place) == ("1", "8")

    def test_chinese_tokens_are_joined_without_spaces(self, tmp_path: Path) -> None:
        (row,) = read(
            CONLL | {"join": ""}, write_data(tmp_path, "江 B-PER\n泽 I-PER\n民 I-PER\n在 O\n北 B-LOC\n京 I-LOC\n"), {}
        )
        assert row.values["text"] == "江泽民在北京"
        assert self.read_spans(row) == [("江泽民", "PER"), ("北京", "LOC")]

    def test_the_tag_may_be_the_last_of_many_columns(self, tmp_path: Path) -> None:
        (row,) = read(CONLL | {"tag": -1}, write_data(tmp_path, "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n"), {})
        assert self.read_spans(row) == [("EU", "ORG")]

    @pytest.mark.parametrize(
        ("line", "detail"),
        [
            ("alone", "line 2: too few columns in 'alone'"),
            ("token X-PER", "line 2: tag 'X-PER' must be O, B-… or I-…"),
            ("token B-", "line 2: tag 'B-' must be O, B-… or I-…"),
        ],
    )
    def test_a_broken_line_rejects_its_sentence(self, tmp_path: Path, line: str, detail: str) -> None:
        bad, good = read(CONLL, write_data(tmp_path, f"a O\n{line}\n\nb O\n"), {})
        assert (bad.place, bad.reason, bad.detail) == ("1", "conll", detail)
        assert good.values["text"] == "b"

    def test_a_sentence_without_end_is_not_held_in_memory(self, tmp_path: Path) -> None:
        path = write_data(tmp_path, "a O\n" * 1000 + "\nb O\n")
        endless, good = read(CONLL, path, {}, LIMITS.model_copy(update={"row_bytes": 1000}))
        assert (endless.reason, good.values["text"]) == ("too_long", "b")


class TestTagged:
    def test_tags_become_spans_and_neighbouring_names_one(self, tmp_path: Path) -> None:
        (row,) = read(
            TAGGED, write_data(tmp_path, "国家/n  主席/n  江/nr  泽民/nr  在/p  中国/ns  北京/ns  １／２/m\n"), {}
        )
        text = row.values["text"]
        assert text == "国家主席江泽民在中国北京１／２"
        values_read = [(text[start:end], label) for start, end, label in row.values["spans"]]
        assert values_read == [("江泽民", "PER"), ("中国", "LOC"), ("北京", "LOC")]

    def test_a_word_may_hold_a_slash(self, tmp_path: Path) -> None:
        (row,) = read(TAGGED | {"join": " "}, write_data(tmp_path, "1/2/m Paris/ns\n"), {})
        assert (row.values["text"], row.values["spans"]) == ("1/2 Paris", [(4, 9, "LOC")])

    def test_a_word_without_a_tag_rejects_its_line(self, tmp_path: Path) -> None:
        bad, good = read(TAGGED, write_data(tmp_path, "北京/ns 好\n好/a\n"), {})
        assert (bad.reason, bad.detail, good.values["text"]) == ("tagged", "'好' is not of the form word/tag", "好")


def test_reading_csv_leaves_the_field_size_limit_of_the_process_unchanged(tmp_path: Path) -> None:
    """Python has one limit for all CSV readers, and files are read lazily: between two rows, too, it is unchanged."""
    path, limit = write_data(tmp_path, "text,label\na,b\nc,d\n"), csv.field_size_limit()
    rows = READERS["csv"].sample().read(path, BOTH, Limits(row_bytes=2000, rows=10, ratio=10))
    assert next(rows).values == {"text": "a", "label": "b"}
    assert csv.field_size_limit() == limit
