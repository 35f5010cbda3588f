"""`satiety monitor`: it prints what the report says, and refuses a path that names no table."""

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


def render_report(folder: Path, monkeypatch: pytest.MonkeyPatch, left_out: Any) -> str:
    """Return the output for a report on a table of too few texts."""
    (folder / "dvc.yaml").touch()
    (folder / "reports").mkdir()
    report = {"sentence": FEW, "window": {"left_out": left_out}}
    (folder / "reports/monitor-table.json").write_text(json.dumps(report), encoding="utf-8")
    monkeypatch.setattr("cli.monitor.run_child", lambda *_: 0)
    output = io.StringIO()
    run_monitor(folder, Path("t.jsonl"), Console(file=output, width=100, highlight=False))
    return output.getvalue()


def test_the_rows_left_out_follow_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert render_report(tmp_path, monkeypatch, {"sentence": LEFT}).splitlines() == [FEW["en"], LEFT["en"]]


def test_without_rows_left_out_only_the_verdict_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert render_report(tmp_path, monkeypatch, None).splitlines() == [FEW["en"]]


@pytest.mark.parametrize("table", ["", ".", "/"])
def test_table_without_a_name_is_refused(tmp_path: Path, table: str) -> None:
    (tmp_path / "dvc.yaml").touch()
    with pytest.raises(SetupError, match="--table: empty path"):
        run_monitor(tmp_path, Path(table))
