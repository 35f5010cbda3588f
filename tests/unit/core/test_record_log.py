"""Parts of a record: in order of arrival whatever the clock says, and none lost, whoever writes and is killed."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from satiety.core import record_log
from satiety.core.record_log import LOCK, NAME, RecordLog
from satiety.core.records import Feedback
from tests.patience import PATIENCE

LIMIT, BATCHES, ROWS = 400, 25, 10
WRITER = """
import json, sys
from pathlib import Path
from satiety.core.record_log import RecordLog
from satiety.core.records import Feedback

folder, name, count, rows, limit, done = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6]), Path(sys.argv[6])
record = RecordLog(folder, Feedback, limit, 8)
with done.open("a") as out:
    for batch in range(count):
        record.add([Feedback(f"{name}/{batch}/{row}", "2026", json.dumps("good"), "me") for row in range(rows)])
        out.write(".")
        out.flush()
"""


def record(folder: Path, limit: int = 200_000, small: int = 256) -> RecordLog[Feedback]:
    return RecordLog(folder, Feedback, limit, small)


def correction(id: str, label: str = "good", time: str = "2026-01-01T00:00:00+00:00") -> Feedback:
    return Feedback(id, time, json.dumps(label), "me")


class Clock(datetime):
    """A clock that a test sets."""

    present = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.present


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(Clock, "present", Clock.present)
    monkeypatch.setattr(record_log, "datetime", Clock)
    return Clock


@pytest.mark.parametrize("ahead", [timedelta(days=1800), timedelta(0), timedelta(days=-1800)])
@pytest.mark.parametrize("small", [2, 256], ids=["joined", "apart"])
def test_rows_stay_in_the_order_in_which_they_came_whatever_the_clock_says(
    tmp_path: Path, clock: type[Clock], ahead: timedelta, small: int
) -> None:
    right, expected_rows = clock.present, record(tmp_path, small=small)
    for number, now in enumerate([right, right + ahead, right, right, right + ahead, right + timedelta(seconds=1)]):
        clock.present, written_at = now, now.isoformat()
        expected_rows.add([correction(f"{number}", time=written_at), correction("same", f"{number}", written_at)])
    rows = expected_rows.read()
    assert list(rows) == [*"012345", "same"]
    assert json.loads(rows["same"].answer) == "5"


def test_large_files_between_small_ones_do_not_move_rows(tmp_path: Path) -> None:
    expected_rows = record(tmp_path, limit=80, small=3)
    expected = []
    for number, size in enumerate([1, 1, 12, 1, 1, 1, 12, 1, 1, 1, 1]):
        rows = [correction(f"{number}/{row}") for row in range(size)]
        expected_rows.add(rows)
        expected += rows
        assert list(expected_rows.read().values()) == expected


@pytest.mark.parametrize("survives", range(12))
def test_a_joining_that_is_cut_off_anywhere_is_finished_and_no_row_counts_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    """Cut after so many files are removed; then the record is filled to its limit, and none may be gone."""
    limit, expected_rows = 80, record(tmp_path, limit=80, small=8)
    unlink, removed = Path.unlink, list[Path]()

    def dies(path: Path, missing_ok: bool = False) -> None:
        if NAME.fullmatch(path.name):
            if len(removed) == survives:
                raise KeyboardInterrupt
            removed.append(path)
        unlink(path, missing_ok=missing_ok)

    numbers = iter(range(limit))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dies)
        for number in numbers:
            try:
                expected_rows.add([correction(f"{number}")])
            except KeyboardInterrupt:
                break
    for number in numbers:
        expected_rows.add([correction(f"{number}")])
        assert list(expected_rows.read()) == [f"{i}" for i in range(number + 1)]
    assert len(list(tmp_path.glob("*.parquet"))) <= 16


def test_what_was_corrected_again_does_not_push_others_out(tmp_path: Path) -> None:
    expected_rows = record(tmp_path, limit=40, small=4)
    expected_rows.add([correction(f"a{i}") for i in range(20)])
    for label in ("good", "bad", "good"):
        expected_rows.add([correction(f"b{i}", label) for i in range(20)])
    assert len(expected_rows.read()) == 40


def test_nobody_waits_for_another_who_tidies(tmp_path: Path) -> None:
    expected_rows = record(tmp_path, limit=40, small=2)
    expected_rows.add([correction("0")])
    with (tmp_path / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(1, 9):
            expected_rows.add([correction(f"{number}")])
        assert len(list(tmp_path.glob("*.parquet"))) == 9
    expected_rows.add([correction("9")])
    assert len(list(tmp_path.glob("*.parquet"))) < 9
    assert list(expected_rows.read()) == [f"{i}" for i in range(10)]


def test_a_folder_that_cannot_be_tidied_takes_rows_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected_rows = record(tmp_path, limit=40, small=2)
    expected_rows.add([correction("0")])
    (tmp_path / LOCK).unlink()
    (tmp_path / LOCK).mkdir()
    expected_rows.add([correction("1")])
    assert list(expected_rows.read()) == ["0", "1"]
    assert "the rows are recorded, but the folder cannot be compacted" in caplog.text


def damage(kind: str) -> Callable[[bytes], bytes]:
    return {
        "torn": lambda whole: whole[: len(whole) // 2],
        "empty": lambda whole: b"",
        "nul": lambda whole: bytes(len(whole)),
        "half nul": lambda whole: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2),
        "flipped": lambda whole: whole[:40] + bytes([whole[40] ^ 64]) + whole[41:],
    }[kind]


@pytest.mark.parametrize("kind", ["torn", "empty", "nul", "half nul", "flipped"])
def test_a_damaged_part_is_put_aside_once_and_the_rest_is_read(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected_rows = record(tmp_path)
    expected_rows.add([correction("a")])
    (broken,) = tmp_path.glob("*.parquet")
    broken.write_bytes(damage(kind)(broken.read_bytes()))
    expected_rows.add([correction("b")])
    assert [list(expected_rows.read()) for _ in range(2)] == [["b"], ["b"]]
    assert broken.with_suffix(".damaged").is_file()
    (message,) = caplog.messages
    assert f"renamed to {broken.stem}.damaged" in message


def start(folder: Path, name: str, done: Path) -> subprocess.Popen[bytes]:
    words = [str(folder), name, *map(str, (BATCHES, ROWS, LIMIT)), str(done / name)]
    return subprocess.Popen([sys.executable, "-c", WRITER, *words])


def record_rows(done: Path) -> int:
    """Return how many rows the writers know to be recorded."""
    return sum(path.stat().st_size for path in done.iterdir()) * ROWS


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 8])
def test_writers_lose_nothing_below_the_limit_and_no_reader_sees_fewer_rows(tmp_path: Path, writers: int) -> None:
    """Some are killed as they write, and others take their place."""
    folder, done = tmp_path / "record", tmp_path / "done"
    done.mkdir()
    running = [start(folder, f"{number}", done) for number in range(writers)]
    latest, kills = time.monotonic() + PATIENCE, 3
    while any(process.poll() is None for process in running):
        assert time.monotonic() < latest
        least = min(LIMIT, record_rows(done))
        assert len(record(folder, LIMIT, 8).read()) >= least
        if kills and record_rows(done) > (4 - kills) * 50:
            kills -= 1
            running[kills % writers].kill()
            running[kills % writers].wait()
            running[kills % writers] = start(folder, f"again{kills}", done)
    assert [process.returncode for process in running] == [0] * writers
    expected_rows = record(folder, LIMIT, 8)
    expected_rows.add([correction("last")])
    rows = expected_rows.read()
    assert len(rows) >= LIMIT if record_rows(done) >= LIMIT else len(rows) == record_rows(done) + 1
    assert next(reversed(rows)) == "last"
    left = [path.name for path in folder.iterdir() if not NAME.fullmatch(path.name)]
    assert left == [LOCK], "what the killed ones began is gone"


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 8])
def test_fewer_rows_than_the_limit_are_all_there(tmp_path: Path, writers: int) -> None:
    """As many as the limit, in small files that several join at once."""
    folder, done = tmp_path / "record", tmp_path / "done"
    done.mkdir()
    count = LIMIT // writers
    words = [*map(str, (count, 1, LIMIT)), str(done)]
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), f"{number}", *words[:3], str(done / f"{number}")])
        for number in range(writers)
    ]
    assert [process.wait(PATIENCE) for process in running] == [0] * writers
    expected = {f"{number}/{batch}/0" for number in range(writers) for batch in range(count)}
    assert set(record(folder, LIMIT, 8).read()) == expected
