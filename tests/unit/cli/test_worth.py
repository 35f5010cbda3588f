"""`satiety worth`: it prints what the report says, or why nothing was measured."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.worth import format_labels, measure, tabulate_levers
from satiety.core.errors import SatietyError, SetupError

REPORT: dict[str, Any] = {
    "confidence_level": 0.95,
    "budgets": [0, 120, 1240],
    "levers": [
        {
            "lever": "self_training",
            "budget": 120,
            "gain": {"value": 0.5, "low": 0.4, "high": 0.6},
            "labels": {"value": 300.0, "low": 200.0, "high": 400.0},
            "verdict": "worth it",
        },
        {
            "lever": "self_training",
            "budget": 1240,
            "gain": {"value": 0.0214, "low": 0.0101, "high": 0.0328},
            "labels": {"value": None, "low": 1100.0, "high": None},
            "verdict": "worth it",
        },
        {
            "lever": "augment+retrieve",
            "budget": 1240,
            "gain": {"value": -0.02, "low": -0.03, "high": -0.01},
            "labels": {"value": 801.4, "low": 0.0, "high": 1000.0},
            "verdict": "not worth it here",
        },
    ],
    "headline": {"en": "self-training at 120 labels does what 300 labels do alone [200, 400].", "zh": "伪标签"},
    "next": {"sentence": {"en": "Label 60 more, keep self-training.", "zh": "再标注 60 条。"}},
}


def render(renderable: Any, width: int = 100) -> str:
    output = io.StringIO()
    Console(file=output, width=width, highlight=False).print(renderable)
    return output.getvalue()


def test_table_has_the_largest_budget_with_intervals_and_verdicts() -> None:
    title, head, *rows = render(tabulate_levers(REPORT)).splitlines()
    assert title.strip() == "At 1,240 labels"
    assert head.split()[0] == "lever"
    assert "95% CI" in head
    assert [" ".join(row.split()) for row in rows] == [
        "self_training +0.021 [+0.010, +0.033] more than 1,240 [1,100, > 1,240] worth it",
        "augment+retrieve -0.020 [-0.030, -0.010] 801 [0, 1,000] not worth it here",
    ]


@pytest.mark.parametrize(
    ("worth_in_labels", "expected"),
    [
        ({"value": 93.0, "low": 61.0, "high": 120.4}, r"93 \[61, 120]"),
        ({"value": 93.0, "low": 61.0, "high": None}, r"93 \[61, > 240]"),
        ({"value": None, "low": None, "high": None}, r"more than 240 \[> 240, > 240]"),
        ({"value": 12.0, "low": 0.0, "high": 20.0}, r"12 \[0, 20]"),
    ],
)
def test_labels_beyond_the_largest_budget_are_written_as_more_than(
    worth_in_labels: dict[str, Any], expected: str
) -> None:
    assert format_labels(worth_in_labels, 240) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/worth.json").write_text(json.dumps(REPORT, ensure_ascii=False), encoding="utf-8")
    return tmp_path


def test_measure_runs_dvc_and_prints_headline_table_and_next_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def run(command: list[str], cwd: Path) -> int:
        calls.append((command, cwd))
        return 0

    monkeypatch.setattr("cli.worth.run_child", run)
    output = io.StringIO()
    measure(folder, Console(file=output, width=100, highlight=False))
    assert [(command[-2:], cwd) for command, cwd in calls] == [(["repro", "worth"], folder)]
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    assert lines[0] == REPORT["headline"]["en"], "brackets are no markup"
    assert lines[-2:] == ["Label 60 more, keep self-training.", "Page: reports/worth.html"]
    assert any("+0.021" in line for line in lines)


def test_failed_stage_and_folder_without_stages_are_reported(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.worth.run_child", lambda *_: 1)
    with pytest.raises(SatietyError, match=r"worth failed, see the errors above"):
        measure(folder)
    with pytest.raises(SetupError, match=r"no dvc\.yaml; change to the project's root"):
        measure(tmp_path_factory.mktemp("empty"))
