"""`monitor` on a table of too few texts, which needs no model: the report and the log say what was left out."""

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


def looked(content: bytes) -> dict[str, Any]:
    """Return the report of a look at a table."""
    Path("t.csv").write_bytes(content)
    main.run(table=Path("t.csv"))
    values: dict[str, Any] = json.loads(Path("reports/monitor-table.json").read_text(encoding="utf-8"))
    return values


def test_rows_left_out_are_told_in_the_report_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        report = looked(b"text\nfine\ncaf\xe9\n")
    assert report["sentence"]["en"] == "1 text; a verdict needs at least 50 (monitor.min_texts)"
    left = report["window"]["left_out"]
    assert (left["rows"], left["of"], left["reasons"]) == (1, 2, {"encoding": 1})
    assert "1 of 2 rows left out: encoding 1; for example t.csv:3: not UTF-8" in caplog.text
    assert left["sentence"]["en"] in caplog.text


def test_of_a_table_whose_rows_are_all_texts_nothing_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert looked("text\nfine\n很好\n".encode())["window"]["left_out"] is None
    assert "left out" not in caplog.text


def test_a_table_of_which_no_row_can_be_read_is_an_error() -> None:
    with pytest.raises(DataError, match=r"t\.csv: contains no usable text; 2 of 2 rows left out: encoding 2"):
        looked(b"text\ncaf\xe9\ncaf\xe9\n")
    assert not Path("reports/monitor-table.json").exists()
