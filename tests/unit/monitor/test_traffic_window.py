"""The texts of a window come from recorded traffic with its feedback, or from a table of a known format."""

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


def list_texts(window: TrafficWindow) -> list[str]:
    return [text_of(inputs) for inputs in window.inputs]


def test_the_newest_answers_come_with_their_feedback(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    rows = list(served_texts([f"text {i}" for i in range(9)], [Prediction(Label("good"))] * 9, "film", "m", 0.1))
    traffic.add(rows)
    newest = traffic.read()[-4:]
    traffic.correct([Feedback(newest[1].id, newest[1].time, dump(Label("bad")), "ann")])
    window = read_traffic(traffic, 4, PROBLEM, "film")
    assert list_texts(window) == [row.text for row in newest]
    assert {place: str(example.answer) for place, example in window.gold.items()} == {1: "bad"}
    assert (window.since, window.until) == (newest[0].time, newest[-1].time)
    assert list_texts(read_traffic(Traffic(tmp_path / "none"), 4, PROBLEM, "film")) == []


def test_traffic_is_read_as_it_was_repaired_and_masked(tmp_path: Path) -> None:
    """Traffic is repaired and masked when it is written, so its texts contain no address."""
    traffic = Traffic(tmp_path)
    texts = ["write to jane&#64;example.com", "R&amp;D", "问 anna\u200b@example.com"]
    traffic.add(list(served_texts(texts, [Prediction(Label("good"))] * 3, "film", "m", 0.1)))
    window_texts = sorted(list_texts(read_traffic(traffic, 9, PROBLEM, "film")))
    assert window_texts == sorted(row.text for row in traffic.read()) == ["R&D", "write to <email>", "问 <email>"]


def test_recorded_answers_to_another_problem_are_skipped(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    entity = Prediction(Spans((Span(0, 4, "PER"),)))
    mixed = [Prediction(Label("good")), Prediction(Label("sports")), entity]
    traffic.add(list(served_texts(["a film", "a match", "anna sings"], mixed, "film", "m", 0.1)))
    traffic.add(list(served_texts(["a play"], [Prediction(Label("good"))], "play", "m", 0.1)))
    assert list_texts(read_traffic(traffic, 9, PROBLEM, "film")) == ["a film"]
    assert list_texts(read_traffic(traffic, 9, PROBLEM, "play")) == ["a play"]
    assert list_texts(read_traffic(traffic, 9, Ner(labels=["PER"]), "film")) == ["anna sings"]


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
    window = read_table(tmp_path / name, 3, PROBLEM, LIMITS)
    assert list_texts(window) == ["007 & co", "服务很热情", "write to <email>"]


def test_rows_that_hold_no_text_are_left_out_and_counted_with_their_reasons(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"id,text\n1,fine\n2,caf\xe9\n3,\n4,caf\xe9 au lait\n5,a,b\n\n6,fine\n")
    window = read_table(tmp_path / "t.csv", 9, PROBLEM, LIMITS)
    assert list_texts(window) == ["fine"]
    assert window.excluded is not None
    assert (window.excluded.rows, window.excluded.total) == (4, 6)
    assert window.excluded.reasons == {"encoding": 2, "empty": 1, "ragged": 1}
    assert window.excluded.describe() == {
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
    window = read_table(tmp_path / "t.jsonl", 9, PROBLEM, LIMITS)
    assert list_texts(window) == ["7", "null"]
    assert window.excluded is not None
    assert window.excluded.reasons == {"type": 5, "missing": 1}
    assert window.excluded.example == "t.jsonl:2: text is of type bool, not a string"


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


def test_the_message_about_a_left_out_row_shows_no_personal_data(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"text": {"ann@example.com": 1}}), encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.jsonl:1: text is of type dict") as caught:
        read_table(tmp_path / "t.jsonl", 9, PROBLEM, LIMITS)
    assert "ann@" not in str(caught.value)


def test_a_table_of_unknown_format_is_refused_with_the_supported_formats(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.xlsx: unknown format; supported: .csv, .tsv, .jsonl, .parquet, .txt"):
        read_table(tmp_path / "t.xlsx", 3, PROBLEM, LIMITS)
    with pytest.raises(DataError, match=r"t\.csv: no such file"):
        read_table(tmp_path / "t.csv", 3, PROBLEM, LIMITS)
    (tmp_path / "t.csv").write_text("body\nx\n", encoding="utf-8")
    with pytest.raises(DataError, match="text"):
        read_table(tmp_path / "t.csv", 3, PROBLEM, LIMITS)


def test_recorded_answers_belong_to_the_model_that_gave_them(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    for model, label in (("m", "good"), ("n", "bad")):
        answer = Prediction(Label(label), 0.75, {"bad": 0.25, "good": 0.75})
        traffic.add(list(served_texts([f"asked of {model}"], [answer], "film", model, 0.1)))
    window = read_traffic(traffic, 9, PROBLEM, "film")
    (place,) = window.answers_of("m")
    assert text_of(window.inputs[place]) == "asked of m"
    assert window.answers_of("m")[place] == Prediction(Label("good"), 0.75, {"bad": 0.25, "good": 0.75})
    assert window.answers_of("another") == {}


def test_scores_of_mentions_are_kept_where_masking_has_moved_them(tmp_path: Path) -> None:
    traffic, text = Traffic(tmp_path), "jane.long.name@example.com is anna of paris"
    spans = [
        Span(text.index(word), text.index(word) + len(word), kind) for word, kind in (("anna", "PER"), ("paris", "LOC"))
    ]
    answer = Prediction(Spans(tuple(spans)), 0.8, {spans[0].offsets: 0.9, spans[1].offsets: 0.7})
    traffic.add(list(served_texts([text], [answer], "film", "m", 0.1)))
    window = read_traffic(traffic, 9, Ner(labels=["LOC", "PER"]), "film")
    masked_text, stored = text_of(window.inputs[0]), window.answers_of("m")[0]
    assert masked_text == "<email> is anna of paris"
    assert stored.answer is not None
    words = {masked_text[span.start : span.end]: stored.scores[span.offsets] for span in stored.answer.mentions}
    assert words == {"anna": 0.9, "paris": 0.7}
