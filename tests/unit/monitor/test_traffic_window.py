"""Where the texts of today come from: the record with what people said of it, or a table of any known format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from satiety.core.answers import Label, Span, Spans, dump
from satiety.core.errors import DataError
from satiety.core.inputs import text_of
from satiety.core.records import Feedback
from satiety.ingest.base import Limits
from satiety.monitor.traffic_window import TrafficWindow, read_table, read_traffic
from satiety.problems import Prediction
from satiety.problems.classify import Classify
from satiety.problems.ner import Ner
from satiety.serving.traffic import Traffic
from tests.recording import served_texts

PROBLEM = Classify(labels=["bad", "good"], names={})
LIMITS = Limits(row_bytes=1_000_000, rows=1000, ratio=200)
TEXTS = ["NA", "007 &amp; co", "服务很热情", "write to ann@example.com"]


def texts(asked: TrafficWindow) -> list[str]:
    return [text_of(inputs) for inputs in asked.inputs]


def test_the_newest_answers_come_with_what_people_said_of_them(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    rows = list(served_texts([f"text {i}" for i in range(9)], [Prediction(Label("good"))] * 9, "film", "m", 0.1))
    traffic.add(rows)
    newest = traffic.read()[-4:]
    traffic.correct([Feedback(newest[1].id, newest[1].time, dump(Label("bad")), "ann")])
    asked = read_traffic(traffic, 4, PROBLEM, "film")
    assert texts(asked) == [row.text for row in newest]
    assert {place: str(one.answer) for place, one in asked.gold.items()} == {1: "bad"}
    assert (asked.since, asked.until) == (newest[0].time, newest[-1].time)
    assert texts(read_traffic(Traffic(tmp_path / "none"), 4, PROBLEM, "film")) == []


def test_the_record_is_looked_at_as_it_is(tmp_path: Path) -> None:
    """It was repaired and masked when it was written: what is shown again holds nobody's address."""
    traffic = Traffic(tmp_path)
    written = ["write to jane&#64;example.com", "R&amp;D", "问 anna\u200b@example.com"]
    traffic.add(list(served_texts(written, [Prediction(Label("good"))] * 3, "film", "m", 0.1)))
    shown = sorted(texts(read_traffic(traffic, 9, PROBLEM, "film")))
    assert shown == sorted(row.text for row in traffic.read()) == ["R&D", "write to <email>", "问 <email>"]


def test_answers_to_another_problem_of_the_same_record_are_passed_over(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    entity = Prediction(Spans((Span(0, 4, "PER"),)))
    mixed = [Prediction(Label("good")), Prediction(Label("sports")), entity]
    traffic.add(list(served_texts(["a film", "a match", "anna sings"], mixed, "film", "m", 0.1)))
    traffic.add(list(served_texts(["a play"], [Prediction(Label("good"))], "play", "m", 0.1)))
    assert texts(read_traffic(traffic, 9, PROBLEM, "film")) == ["a film"]
    assert texts(read_traffic(traffic, 9, PROBLEM, "play")) == ["a play"]
    assert texts(read_traffic(traffic, 9, Ner(labels=["PER"]), "film")) == ["anna sings"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "id,text\n" + "".join(f"{i},{text}\n" for i, text in enumerate(TEXTS))),
        ("t.tsv", "text\tid\n" + "".join(f"{text}\t{i}\n" for i, text in enumerate(TEXTS))),
        ("t.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)),
        ("t.txt", "\n".join(TEXTS)),
    ],
)
def test_a_table_is_read_by_the_end_of_its_name_and_masked(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    asked = read_table(tmp_path / name, 3, PROBLEM, LIMITS)
    assert texts(asked) == ["007 & co", "服务很热情", "write to <email>"]


def test_rows_that_hold_no_text_are_left_out_and_counted_with_their_reasons(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"id,text\n1,fine\n2,caf\xe9\n3,\n4,caf\xe9 au lait\n5,a,b\n\n6,fine\n")
    asked = read_table(tmp_path / "t.csv", 9, PROBLEM, LIMITS)
    assert texts(asked) == ["fine"]
    assert asked.excluded is not None
    assert (asked.excluded.rows, asked.excluded.of) == (4, 6)
    assert asked.excluded.reasons == {"encoding": 2, "empty": 1, "ragged": 1}
    assert asked.excluded.describe() == {
        "en": "4 of 6 rows left out: encoding 2, empty 1, ragged 1; for example t.csv:3: not UTF-8 at byte 20: e9",
        "zh": "6 行中略去 4 行：encoding 2 行、empty 1 行、ragged 1 行；例如 t.csv:3: not UTF-8 at byte 20: e9",
    }


def test_where_all_rows_hold_a_text_none_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    assert read_table(tmp_path / "t.txt", 9, PROBLEM, LIMITS).excluded is None


NO_TEXTS = [None, True, 7, 1.5, ["a"], {"a": 1}]


def test_only_strings_are_texts_in_json(tmp_path: Path) -> None:
    lines = [json.dumps({"text": value}) for value in [*NO_TEXTS, "7", "null"]]
    (tmp_path / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    asked = read_table(tmp_path / "t.jsonl", 9, PROBLEM, LIMITS)
    assert texts(asked) == ["7", "null"]
    assert asked.excluded is not None
    assert asked.excluded.reasons == {"type": 5, "missing": 1}
    assert asked.excluded.example == "t.jsonl:2: text is of type bool, not a string"


@pytest.mark.parametrize("value", NO_TEXTS)
def test_only_strings_are_texts_in_parquet(tmp_path: Path, value: object) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"text": pa.array([value] * 3)}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"contains no usable text; 3 of 3 rows left out: (type|missing) 3"):
        read_table(tmp_path / "t.parquet", 9, PROBLEM, LIMITS)


@pytest.mark.parametrize(("name", "content"), [("t.csv", "text,label\n"), ("t.jsonl", "\n\n"), ("t.txt", "")])
def test_a_table_without_rows_is_refused(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=rf"{name}: contains no usable text; it has no rows"):
        read_table(tmp_path / name, 9, PROBLEM, LIMITS)


def test_what_is_said_of_a_row_left_out_gives_nobody_away(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"text": {"ann@example.com": 1}}), encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.jsonl:1: text is of type dict") as said:
        read_table(tmp_path / "t.jsonl", 9, PROBLEM, LIMITS)
    assert "ann@" not in str(said.value)


def test_a_table_that_cannot_be_read_is_refused_with_what_can(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.xlsx: unknown format; supported: .csv, .tsv, .jsonl, .parquet, .txt"):
        read_table(tmp_path / "t.xlsx", 3, PROBLEM, LIMITS)
    with pytest.raises(DataError, match=r"t\.csv: no such file"):
        read_table(tmp_path / "t.csv", 3, PROBLEM, LIMITS)
    (tmp_path / "t.csv").write_text("body\nx\n", encoding="utf-8")
    with pytest.raises(DataError, match="text"):
        read_table(tmp_path / "t.csv", 3, PROBLEM, LIMITS)


def test_what_was_answered_comes_along_for_the_model_that_did(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    for model, label in (("m", "good"), ("n", "bad")):
        answer = Prediction(Label(label), 0.75, {"bad": 0.25, "good": 0.75})
        traffic.add(list(served_texts([f"asked of {model}"], [answer], "film", model, 0.1)))
    asked = read_traffic(traffic, 9, PROBLEM, "film")
    (place,) = asked.answers_of("m")
    assert text_of(asked.inputs[place]) == "asked of m"
    assert asked.answers_of("m")[place] == Prediction(Label("good"), 0.75, {"bad": 0.25, "good": 0.75})
    assert asked.answers_of("another") == {}


def test_scores_of_mentions_are_kept_where_masking_has_moved_them(tmp_path: Path) -> None:
    traffic, text = Traffic(tmp_path), "jane.long.name@example.com is anna of paris"
    spans = [
        Span(text.index(word), text.index(word) + len(word), kind) for word, kind in (("anna", "PER"), ("paris", "LOC"))
    ]
    answer = Prediction(Spans(tuple(spans)), 0.8, {spans[0].offsets: 0.9, spans[1].offsets: 0.7})
    traffic.add(list(served_texts([text], [answer], "film", "m", 0.1)))
    asked = read_traffic(traffic, 9, Ner(labels=["LOC", "PER"]), "film")
    kept, stored = text_of(asked.inputs[0]), asked.answers_of("m")[0]
    assert kept == "<email> is anna of paris"
    assert stored.answer is not None
    words = {kept[span.start : span.end]: stored.scores[span.offsets] for span in stored.answer.mentions}
    assert words == {"anna": 0.9, "paris": 0.7}
