"""The table after a run shows what the reports say, and nothing else."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.report import show
from satiety.core.errors import DataError, SetupError

SCORE = {"value": 0.6123, "low": 0.5901, "high": 0.6349}
GAIN = {"value": 0.2011, "low": 0.1702, "high": 0.2333}


def render_table(folder: Path, width: int = 80) -> str:
    output = io.StringIO()
    show(folder, Console(file=output, width=width, highlight=False))
    return output.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stages = "stages:\n  ingest: {cmd: a}\n  evaluate: {cmd: b}\n"
    (tmp_path / "dvc.yaml").write_text(stages)
    return tmp_path


def write_json(folder: Path, path: str, value: Any) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


@pytest.fixture
def full_folder(folder: Path) -> Path:
    write_json(folder, "reports/ingest.json", {"in": 38158, "out": 290123, "quarantined": 2463})
    scores = {
        "in": 2000,
        "out": 2000,
        "quarantined": 0,
        "metric": "macro_f1",
        "examples": 2000,
        "confidence_level": 0.95,
    }
    write_json(folder, "reports/evaluate.json", scores | {"before": SCORE, "after": SCORE, "difference": GAIN})
    reason = "no champion yet, and 情感 beats before"
    write_json(folder, "reports/promote.json", {"decision": "promoted", "reason": reason, "champion": "v1"})
    write_json(folder, ".satiety/timings/ingest.json", {"started": 90.0, "seconds": 41.25, "peak_bytes": 1_500_000_000})
    write_json(
        folder, ".satiety/timings/evaluate.json", {"started": 110.0, "seconds": 12.34, "peak_bytes": 900_000_000}
    )
    (folder / ".satiety/run_started").write_text("100.0\n")
    return folder


def test_scores_come_with_their_intervals(full_folder: Path) -> None:
    text = render_table(full_folder)
    assert "macro_f1 on 2,000 test examples" in text
    assert "[0.590, 0.635]" in text
    assert "+0.201" in text
    assert "[+0.170, +0.233]" in text


def test_scores_out_of_fold_are_called_so(full_folder: Path) -> None:
    path = full_folder / "reports/evaluate.json"
    report = json.loads(path.read_text(encoding="utf-8")) | {"scored_on": "out_of_fold", "folds": 10, "examples": 64}
    path.write_text(json.dumps(report), encoding="utf-8")
    assert "macro_f1 on 64 labels, each by a model that had not seen it (10 folds)" in render_table(full_folder)


def test_a_stage_that_did_not_run_in_this_run_is_cached(full_folder: Path) -> None:
    lines = {line.split()[0]: line for line in render_table(full_folder).splitlines() if line.strip()}
    assert lines["ingest"].split()[1:] == ["38,158", "290,123", "2,463", "cached", "–"]
    assert lines["evaluate"].split()[1:] == ["2,000", "2,000", "0", "12.3", "0.9", "GB"]


def test_the_decision_comes_with_its_reason(full_folder: Path) -> None:
    text = render_table(full_folder)
    assert "Promotion: promoted: no champion yet, and 情感 beats before" in text
    assert "champion: v1" in text


def test_stages_that_did_not_run_are_shown_without_numbers(folder: Path) -> None:
    text = render_table(folder)
    assert "Score: not evaluated yet" in text
    assert text.count("not run") >= 3
    assert "Promotion: not run yet" in text
    assert not any(character.isdigit() for character in text)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_table_fits_the_width(full_folder: Path, width: int) -> None:
    assert max(map(len, render_table(full_folder, width).splitlines())) <= width


def test_invalid_report_is_named(folder: Path) -> None:
    (folder / "reports").mkdir()
    (folder / "reports/ingest.json").write_text("{half")
    with pytest.raises(DataError, match=r"ingest\.json: not JSON .*; remove it and run"):
        render_table(folder)
    (folder / "reports/ingest.json").write_text("[]")
    with pytest.raises(DataError, match=r"ingest\.json: not a JSON object"):
        render_table(folder)


@pytest.mark.parametrize("content", [b"", bytes(90), b'{"started": 1', b"[]", b'{"started": "then"}'])
def test_damaged_timings_are_ignored(full_folder: Path, content: bytes) -> None:
    (full_folder / ".satiety/timings/evaluate.json").write_bytes(content)
    (full_folder / ".satiety/run_started").write_bytes(content)
    lines = {line.split()[0]: line for line in render_table(full_folder).splitlines() if line.strip()}
    assert lines["evaluate"].split()[4:] == ["cached", "–"]
    assert lines["ingest"].split()[4:] == ["41.2", "1.5", "GB"]


def test_a_folder_without_stages_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"no dvc\.yaml; change to the project's root"):
        show(tmp_path)


def test_the_recipes_that_were_compared_stand_there_and_the_gain_of_raw_texts(full_folder: Path) -> None:
    (full_folder / "dvc.yaml").write_text("stages:\n  finetune: {cmd: a}\n  evaluate: {cmd: b}\n")
    row = {"uses_raw_texts": False, "held_out": 60, "standard_error": 0.02, "score": 0.5, "passes": 1200}
    candidates = [
        row | {"recipe": "transductive", "uses_raw_texts": True, "log_loss": 0.6, "difference": 0.0, "chosen": True},
        row | {"recipe": "linear", "log_loss": 0.7, "difference": 0.1, "chosen": False},
    ]
    write_json(full_folder, "reports/finetune.json", {"in": 60, "out": 60, "candidates": candidates})
    scores = json.loads((full_folder / "reports/evaluate.json").read_text(encoding="utf-8"))
    write_json(full_folder, "reports/evaluate.json", scores | {"gain": GAIN})
    text = render_table(full_folder, width=80)
    lines = text.splitlines()
    assert any(line.split() == ["transductive*", "60", "0.600", "chosen", "0.500", "1,200"] for line in lines)
    assert "…" not in text
    assert any(line.split() == ["linear", "60", "0.700", "+0.100", "±", "0.020", "0.500", "1,200"] for line in lines)
    assert any("gain of raw text and levers" in line and "+0.201" in line for line in lines)
