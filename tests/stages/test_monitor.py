"""`monitor` on a table with too few texts, which needs no model: report and log name the rows left out."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from satiety.core.errors import DataError
from tasks.monitor import main

ROOT = Path.cwd()


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)


def monitor_table(content: bytes) -> dict[str, Any]:
    """Monitor a table and return the report."""
    Path("t.csv").write_bytes(content)
    main.run(table=Path("t.csv"))
    values: dict[str, Any] = json.loads(Path("reports/monitor-table.json").read_text(encoding="utf-8"))
    return values


def test_rows_left_out_are_in_the_report_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        report = monitor_table(b"text\nfine\ncaf\xe9\n")
    assert report["sentence"]["en"] == "1 text; a verdict needs at least 50 (monitor.min_texts)"
    left_out = report["window"]["left_out"]
    assert (left_out["rows"], left_out["total"], left_out["reasons"]) == (1, 2, {"encoding": 1})
    assert "1 of 2 rows left out: encoding 1; for example t.csv:3: not UTF-8" in caplog.text
    assert left_out["sentence"]["en"] in caplog.text


def test_a_table_of_valid_texts_has_no_rows_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert monitor_table("text\nfine\n很好\n".encode())["window"]["left_out"] is None
    assert "left out" not in caplog.text


def test_a_table_without_readable_rows_is_an_error() -> None:
    with pytest.raises(DataError, match=r"t\.csv: contains no usable text; 2 of 2 rows left out: encoding 2"):
        monitor_table(b"text\ncaf\xe9\ncaf\xe9\n")
    assert not Path("reports/monitor-table.json").exists()
