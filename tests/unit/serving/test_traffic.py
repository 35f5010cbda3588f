"""Traffic: no row is lost or doubled, with several writers and after interruptions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from satiety.core.answers import Label, Span, Spans, load
from satiety.core.records import Feedback, Served
from satiety.core.settings import Settings
from satiety.problems.base import Prediction
from satiety.serving.traffic import Traffic, open_record
from tests.patience import PATIENCE
from tests.recording import served_texts

WRITER = """
import sys
from pathlib import Path
from satiety.core.answers import Label
from satiety.problems.base import Prediction
from satiety.serving.traffic import Traffic
from tests.recording import served_texts

traffic = Traffic(Path(sys.argv[1]), max_segments=8)
for i in range(int(sys.argv[3])):
    texts = [f"{sys.argv[2]}/{i}/{j}" for j in range(3)]
    traffic.add(list(served_texts(texts, [Prediction(Label("a"))] * 3, "film", "m", 0.3)))
    print(i, flush=True)
"""


def serve_texts(*texts: str) -> list[Served]:
    predicted = Prediction(Label("good"), scores={"good": 0.75, "bad": 0.25})
    return list(served_texts(texts, [predicted] * len(texts), "film", "model", 0.5))


def start_writer(folder: Path, name: str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_rows_are_read_in_order_of_arrival(tmp_path: Path) -> None:
    traffic, first, second = Traffic(tmp_path / "a/b"), serve_texts("one", "二"), serve_texts("three")
    assert traffic.read() == []
    traffic.add(second)
    traffic.add([])
    traffic.add(first)
    assert traffic.read() == [*second, *first]
    row = next(row for row in traffic.read() if row.text == "one")
    assert (row, row.latency) == (first[0], 0.25)
    assert json.loads(row.scores) == {"good": 0.75, "bad": 0.25}


def test_the_traffic_folder_of_the_settings_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "record"
    monkeypatch.setenv("SATIETY_TRAFFIC", str(folder))
    assert open_record(Settings()) == Traffic(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_many_files_are_merged_without_losing_rows(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path, max_segments=8)
    for i in range(60):
        traffic.add(serve_texts(f"{i}", f"{i}b"))
        assert len(list(tmp_path.glob("*.parquet"))) <= 8
    assert len(traffic.read()) == 120


def test_of_too_many_rows_the_oldest_are_deleted(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path, limit=50, max_segments=4)
    for i in range(200):
        traffic.add(serve_texts(f"{i}"))
    numbers = [int(row.text) for row in traffic.read()]
    assert numbers == list(range(200 - len(numbers), 200)), "the newest"
    assert 50 <= len(numbers) < 100


def test_eight_writers_lose_nothing(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, str(n), 12) for n in range(8)]
    for process in writers:
        process.communicate(timeout=PATIENCE)
    assert [process.returncode for process in writers] == [0] * 8
    texts = [f"{n}/{i}/{j}" for n in range(8) for i in range(12) for j in range(3)]
    assert sorted(row.text for row in Traffic(tmp_path).read()) == sorted(texts)


def test_a_killed_writer_leaves_all_rows_that_it_reported(tmp_path: Path) -> None:
    with start_writer(tmp_path, "x", 100_000) as process:
        assert process.stdout is not None
        last_written = [int(process.stdout.readline()) for _ in range(40)][-1]
        process.kill()
    texts = [row.text for row in Traffic(tmp_path).read()]
    assert len(texts) == len(set(texts))
    assert {f"x/{i}/{j}" for i in range(last_written + 1) for j in range(3)} <= set(texts)
    Traffic(tmp_path, max_segments=2).add(serve_texts("after"))
    assert len(Traffic(tmp_path).read()) == len(texts) + 1


def test_rows_that_an_interrupted_merge_left_twice_are_read_once(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    repeated = serve_texts("a", "b")
    traffic.add(repeated)
    traffic.add(repeated)
    assert len(traffic.read()) == 2


def test_a_damaged_file_is_reported_and_the_others_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    traffic = Traffic(tmp_path)
    traffic.add(serve_texts("a"))
    (broken,) = tmp_path.glob("*.parquet")
    broken.write_bytes(broken.read_bytes()[:100])
    traffic.add(serve_texts("b"))
    assert [row.text for row in traffic.read()] == ["b"]
    few = Traffic(tmp_path, max_segments=2)
    for i in range(6):
        few.add(serve_texts(f"{i}"))
    assert len(few.read()) == 7
    assert [broken.name in message for message in caplog.messages] == [True], "reported once"
    assert broken.with_suffix(".damaged").exists(), "renamed, not deleted"


def test_foreign_files_in_the_folder_stay_unchanged(tmp_path: Path) -> None:
    foreign_files = [tmp_path / name for name in ("train.parquet", "2024-999999-mine.parquet", ".x.tmp")]
    for path in foreign_files:
        path.write_bytes(b"mine")
        os.utime(path, (0, 0))
    traffic = Traffic(tmp_path, limit=2, max_segments=2)
    for i in range(9):
        traffic.add(serve_texts(f"{i}"))
    assert all(path.read_bytes() == b"mine" for path in foreign_files)
    assert traffic.read()[-1].text == "8"


def test_personal_data_is_masked_in_traffic() -> None:
    text = "写信给 wang@example.com，北京"
    spans = (Span(4, 9, "PER"), Span(21, 23, "LOC"))
    assert text[21:23] == "北京"
    (row,) = served_texts([text], [Prediction(Spans(spans), scores={"21:23": 0.9})], "film", "model", 0.1)
    assert row.text == "写信给 <email>，北京"
    (span,) = load(row.answer).mentions
    assert row.text[span.start : span.end] == "北京"
    assert "wang" not in repr(row)


HIDDEN = {
    "email": ["jane&#64;example.com", "anna\u200b@example.com", "ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ"],
    "id_card": ["11010519491231002&#88;", "110105\u200b19491231002X", "１１０１０５１９４９１２３１００２Ｘ"],
    "bank_card": ["4111&#32;1111 1111 1111", "4111\u00ad111111111111", "４１１１１１１１１１１１１１１１"],
    "phone": ["138&#49;2345678", "138\u200b1234\u200b5678", "１３８１２３４５６７８", "(212) 736-5000"],
    "secret": ["AKIA&#73;OSFODNN7EXAMPLE", "AKIA\u200bIOSFODNN7EXAMPLE", "ＡＫＩＡＩＯＳＦＯＤＮＮ７ＥＸＡＭＰＬＥ"],
}


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, forms in HIDDEN.items() for form in forms])
def test_traffic_is_repaired_and_then_masked_for_every_kind(kind: str, form: str) -> None:
    text = f"问 {form}，北京"
    place, overlapping = Span(len(text) - 2, len(text), "LOC"), Span(2, 6, "PER")
    (row,) = served_texts([text], [Prediction(Spans((place, overlapping)))], "film", "model", 0.1)
    assert row.text == f"问 <{kind}>，北京"
    (span,) = load(row.answer).mentions
    assert row.text[span.start : span.end] == "北京"


def test_a_text_that_cannot_be_repaired_is_recorded_in_part() -> None:
    text = "jane&#64;example.com " + "e" + "\u0301\u0327" * 2000
    (row,) = served_texts([text], [Prediction(Spans((Span(0, 4, "PER"),)))], "film", "model", 0.1)
    assert row.text == "<email> e"
    assert load(row.answer).mentions == ()


def make_corrections(*pairs: tuple[str, str], time: str = "2026-01-01T00:00:00+00:00") -> list[Feedback]:
    return [Feedback(row_id, time, json.dumps(label), "me") for row_id, label in pairs]


def test_the_last_correction_counts_however_files_are_merged(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path, max_segments=4)
    assert traffic.corrections() == {}
    for second in range(20):
        time = f"2026-01-01T00:00:{second:02}+00:00"
        traffic.correct(make_corrections(("same", f"第{second}"), (f"own{second}", "good"), time=time))
    latest = traffic.corrections()
    assert json.loads(latest["same"].answer) == "第19"
    assert list(latest) == [*(f"own{i}" for i in range(19)), "same", "own19"]
    assert len(list((tmp_path / "feedback").glob("*.parquet"))) <= 4
    traffic.correct(make_corrections(("same", "after the clock was set right")))
    assert json.loads(traffic.corrections()["same"].answer) == "after the clock was set right"


def test_answers_and_corrections_do_not_mix_and_each_is_bounded(tmp_path: Path) -> None:
    traffic, answers = Traffic(tmp_path, limit=10, max_segments=4), serve_texts("a", "二")
    traffic.add(answers)
    for i in range(40):
        traffic.correct(make_corrections((f"{i}", "good"), time=f"2026-01-01T00:00:{i:02}+00:00"))
    assert {row.text for row in traffic.read()} == {"a", "二"}
    ids = list(traffic.corrections())
    assert ids == [f"{i}" for i in range(40 - len(ids), 40)]
    assert 10 <= len(ids) < 20
