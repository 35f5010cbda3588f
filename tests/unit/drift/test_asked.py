"""Where the texts of today come from: the record with what people said of it, or a table of any known format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from satiety.drift.asked import of_table, of_traffic
from satiety.errors import DataError
from satiety.ingest.base import Limits
from satiety.problems import Prediction
from satiety.problems.classify import Classify
from satiety.problems.ner import Ner
from satiety.records import Feedback, Span
from satiety.traffic import Traffic, served

PROBLEM = Classify(labels=["bad", "good"], names={})
LIMITS = Limits(row_bytes=1_000_000, rows=1000, ratio=200)
TEXTS = ["NA", "007 &amp; co", "服务很热情", "write to ann@example.com"]


def test_the_newest_answers_come_with_what_people_said_of_them(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    rows = list(served([f"text {i}" for i in range(9)], [Prediction(label="good")] * 9, "film", "m", 0.1))
    traffic.add(rows)
    newest = traffic.read()[-4:]
    traffic.correct([Feedback(newest[1].id, newest[1].time, json.dumps("bad"), "ann")])
    asked = of_traffic(traffic, 4, PROBLEM, "film")
    assert list(asked.texts) == [row.text for row in newest]
    assert {place: one.label for place, one in asked.gold.items()} == {1: "bad"}
    assert (asked.since, asked.until) == (newest[0].time, newest[-1].time)
    assert of_traffic(Traffic(tmp_path / "none"), 4, PROBLEM, "film").texts == []


def test_answers_to_another_problem_of_the_same_record_are_passed_over(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    entity = Prediction(spans=(Span(0, 4, "PER"),))
    mixed = [Prediction(label="good"), Prediction(label="sports"), entity]
    traffic.add(list(served(["a film", "a match", "anna sings"], mixed, "film", "m", 0.1)))
    traffic.add(list(served(["a play"], [Prediction(label="good")], "play", "m", 0.1)))
    assert of_traffic(traffic, 9, PROBLEM, "film").texts == ["a film"]
    assert of_traffic(traffic, 9, PROBLEM, "play").texts == ["a play"]
    assert of_traffic(traffic, 9, Ner(labels=["PER"]), "film").texts == ["anna sings"]


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
    asked = of_table(tmp_path / name, 3, LIMITS)
    assert list(asked.texts) == ["007 & co", "服务很热情", "write to <email>"]


def test_a_table_that_cannot_be_read_is_refused_with_what_can(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.xlsx: of no known format; there are: .csv, .tsv, .jsonl, .parquet, .txt"):
        of_table(tmp_path / "t.xlsx", 3, LIMITS)
    with pytest.raises(DataError, match=r"t\.csv: no such file"):
        of_table(tmp_path / "t.csv", 3, LIMITS)
    (tmp_path / "t.csv").write_text("body\nx\n", encoding="utf-8")
    with pytest.raises(DataError, match="text"):
        of_table(tmp_path / "t.csv", 3, LIMITS)
