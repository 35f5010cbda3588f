"""`satiety monitor`: what it prints is what the report says, and what names no table is said at once."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.monitor import run_monitor
from satiety.core.errors import SetupError

LEFT = {"en": "3 of 4 rows left out: json 3; for example t.jsonl:2: not JSON", "zh": "4 行中略去 3 行"}
FEW = {"en": "1 text; a verdict needs at least 50 (monitor.min_texts)", "zh": "只有 1 条文本"}


def printed(folder: Path, monkeypatch: pytest.MonkeyPatch, left: Any) -> str:
    """Return what is printed of a report on a table of too few texts."""
    (folder / "dvc.yaml").touch()
    (folder / "reports").mkdir()
    report = {"sentence": FEW, "window": {"left_out": left}}
    (folder / "reports/monitor-table.json").write_text(json.dumps(report), encoding="utf-8")
    monkeypatch.setattr("cli.monitor.run_child", lambda *_: 0)
    path = io.StringIO()
    run_monitor(folder, Path("t.jsonl"), Console(file=path, width=100, highlight=False))
    return path.getvalue()


def test_the_rows_left_out_follow_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(tmp_path, monkeypatch, {"sentence": LEFT}).splitlines() == [FEW["en"], LEFT["en"]]


def test_where_none_were_left_out_nothing_is_said_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(tmp_path, monkeypatch, None).splitlines() == [FEW["en"]]


@pytest.mark.parametrize("table", ["", ".", "/"])
def test_a_table_without_a_name_is_not_taken_for_the_folder(tmp_path: Path, table: str) -> None:
    (tmp_path / "dvc.yaml").touch()
    with pytest.raises(SetupError, match="--table: empty path"):
        run_monitor(tmp_path, Path(table))
