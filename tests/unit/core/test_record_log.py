"""Parts of a record log keep the order of arrival whatever the clock says, and lose no row when writers are killed."""

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


def open_log(folder: Path, limit: int = 200_000, small: int = 256) -> RecordLog[Feedback]:
    return RecordLog(folder, Feedback, limit, small)


def build_correction(id: str, label: str = "good", time: str = "2026-01-01T00:00:00+00:00") -> Feedback:
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


@pytest.mark.parametrize("offset", [timedelta(days=1800), timedelta(0), timedelta(days=-1800)])
@pytest.mark.parametrize("small", [2, 256], ids=["joined", "apart"])
def test_rows_stay_in_the_order_in_which_they_came_whatever_the_clock_says(
    tmp_path: Path, clock: type[Clock], offset: timedelta, small: int
) -> None:
    start, log = clock.present, open_log(tmp_path, small=small)
    for number, clock_time in enumerate(
        [start, start + offset, start, start, start + offset, start + timedelta(seconds=1)]
    ):
        clock.present, written_at = clock_time, clock_time.isoformat()
        log.add([build_correction(f"{number}", time=written_at), build_correction("same", f"{number}", written_at)])
    rows = log.read()
    assert list(rows) == [*"012345", "same"]
    assert json.loads(rows["same"].answer) == "5"


def test_large_files_between_small_ones_do_not_move_rows(tmp_path: Path) -> None:
    log = open_log(tmp_path, limit=80, small=3)
    expected = []
    for number, size in enumerate([1, 1, 12, 1, 1, 1, 12, 1, 1, 1, 1]):
        rows = [build_correction(f"{number}/{row}") for row in range(size)]
        log.add(rows)
        expected += rows
        assert list(log.read().values()) == expected


@pytest.mark.parametrize("survives", range(12))
def test_interrupted_compaction_is_finished_without_duplicate_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    """Interrupt after so many files are removed; then fill the log to its limit: no row may be missing."""
    limit, log = 80, open_log(tmp_path, limit=80, small=8)
    unlink, removed = Path.unlink, list[Path]()

    def remove_or_interrupt(path: Path, missing_ok: bool = False) -> None:
        if NAME.fullmatch(path.name):
            if len(removed) == survives:
                raise KeyboardInterrupt
            removed.append(path)
        unlink(path, missing_ok=missing_ok)

    numbers = iter(range(limit))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", remove_or_interrupt)
        for number in numbers:
            try:
                log.add([build_correction(f"{number}")])
            except KeyboardInterrupt:
                break
    for number in numbers:
        log.add([build_correction(f"{number}")])
        assert list(log.read()) == [f"{i}" for i in range(number + 1)]
    assert len(list(tmp_path.glob("*.parquet"))) <= 16


def test_repeated_corrections_do_not_displace_other_rows(tmp_path: Path) -> None:
    log = open_log(tmp_path, limit=40, small=4)
    log.add([build_correction(f"a{i}") for i in range(20)])
    for label in ("good", "bad", "good"):
        log.add([build_correction(f"b{i}", label) for i in range(20)])
    assert len(log.read()) == 40


def test_add_does_not_wait_for_a_compaction(tmp_path: Path) -> None:
    log = open_log(tmp_path, limit=40, small=2)
    log.add([build_correction("0")])
    with (tmp_path / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(1, 9):
            log.add([build_correction(f"{number}")])
        assert len(list(tmp_path.glob("*.parquet"))) == 9
    log.add([build_correction("9")])
    assert len(list(tmp_path.glob("*.parquet"))) < 9
    assert list(log.read()) == [f"{i}" for i in range(10)]


def test_rows_are_added_where_the_folder_cannot_be_compacted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log(tmp_path, limit=40, small=2)
    log.add([build_correction("0")])
    (tmp_path / LOCK).unlink()
    (tmp_path / LOCK).mkdir()
    log.add([build_correction("1")])
    assert list(log.read()) == ["0", "1"]
    assert "the rows are recorded, but the folder cannot be compacted" in caplog.text


def build_damage(kind: str) -> Callable[[bytes], bytes]:
    return {
        "torn": lambda whole: whole[: len(whole) // 2],
        "empty": lambda whole: b"",
        "nul": lambda whole: bytes(len(whole)),
        "half nul": lambda whole: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2),
        "flipped": lambda whole: whole[:40] + bytes([whole[40] ^ 64]) + whole[41:],
    }[kind]


@pytest.mark.parametrize("kind", ["torn", "empty", "nul", "half nul", "flipped"])
def test_damaged_part_is_renamed_once_and_the_other_parts_are_read(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(tmp_path)
    log.add([build_correction("a")])
    (broken,) = tmp_path.glob("*.parquet")
    broken.write_bytes(build_damage(kind)(broken.read_bytes()))
    log.add([build_correction("b")])
    assert [list(log.read()) for _ in range(2)] == [["b"], ["b"]]
    assert broken.with_suffix(".damaged").is_file()
    (message,) = caplog.messages
    assert f"renamed to {broken.stem}.damaged" in message


def start_writer(folder: Path, name: str, progress_folder: Path) -> subprocess.Popen[bytes]:
    words = [str(folder), name, *map(str, (BATCHES, ROWS, LIMIT)), str(progress_folder / name)]
    return subprocess.Popen([sys.executable, "-c", WRITER, *words])


def count_recorded_rows(progress_folder: Path) -> int:
    """Return how many rows the writers know to be recorded."""
    return sum(path.stat().st_size for path in progress_folder.iterdir()) * ROWS


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 8])
def test_writers_lose_nothing_below_the_limit_and_no_reader_sees_fewer_rows(tmp_path: Path, writers: int) -> None:
    """Some are killed as they write, and others take their place."""
    folder, progress_folder = tmp_path / "record", tmp_path / "done"
    progress_folder.mkdir()
    processes = [start_writer(folder, f"{number}", progress_folder) for number in range(writers)]
    latest, kills = time.monotonic() + PATIENCE, 3
    while any(process.poll() is None for process in processes):
        assert time.monotonic() < latest
        least_rows = min(LIMIT, count_recorded_rows(progress_folder))
        assert len(open_log(folder, LIMIT, 8).read()) >= least_rows
        if kills and count_recorded_rows(progress_folder) > (4 - kills) * 50:
            kills -= 1
            processes[kills % writers].kill()
            processes[kills % writers].wait()
            processes[kills % writers] = start_writer(folder, f"again{kills}", progress_folder)
    assert [process.returncode for process in processes] == [0] * writers
    log = open_log(folder, LIMIT, 8)
    log.add([build_correction("last")])
    rows = log.read()
    assert (
        len(rows) >= LIMIT
        if count_recorded_rows(progress_folder) >= LIMIT
        else len(rows) == count_recorded_rows(progress_folder) + 1
    )
    assert next(reversed(rows)) == "last"
    leftover_names = [path.name for path in folder.iterdir() if not NAME.fullmatch(path.name)]
    assert leftover_names == [LOCK], "files of killed writers are removed"


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 8])
def test_fewer_rows_than_the_limit_are_all_there(tmp_path: Path, writers: int) -> None:
    """As many as the limit, in small files that several join at once."""
    folder, progress_folder = tmp_path / "record", tmp_path / "done"
    progress_folder.mkdir()
    count = LIMIT // writers
    words = [*map(str, (count, 1, LIMIT)), str(progress_folder)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), f"{number}", *words[:3], str(progress_folder / f"{number}")]
        )
        for number in range(writers)
    ]
    assert [process.wait(PATIENCE) for process in processes] == [0] * writers
    expected = {f"{number}/{batch}/0" for number in range(writers) for batch in range(count)}
    assert set(open_log(folder, LIMIT, 8).read()) == expected
