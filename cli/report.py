"""`satiety report`: print the reports and timings of a folder as tables. Missing numbers are shown as a dash."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from cli.child import check_project
from satiety.core.errors import DataError
from satiety.core.section import read_yaml
from satiety.core.settings import project_root
from satiety.core.state import STATE
from satiety.core.state_files import read_state
from satiety.package.card import describe_sample
from tasks.stage import COST, REPORTS, START_FILE
from tasks.tracking import DATABASE, format_ui_command

MISSING = "–"
TYPICAL_WIDTH = 80
"""Minimum width if the output is not a terminal."""


def show(folder: Path, console: Console | None = None) -> None:
    """Print the scores, the stages, the promotion decision and where to find more.

    Raises:
        SetupError: the folder has no dvc.yaml.
        DataError: a report is not a JSON object.
    """
    check_project(folder)
    printer = console or _make_console()
    stages = list(read_yaml(folder / "dvc.yaml")["stages"])
    reports = {name: _read_json(folder / REPORTS / f"{name}.json") for name in [*stages, "promote"]}
    for part in (
        _tabulate_scores(reports["evaluate"]),
        _tabulate_recipes(reports.get("finetune")),
        _tabulate_stages(folder, stages, reports),
        _describe_worth(reports.get("worth")),
        _describe_promotion(reports["promote"]),
        _format_files(folder),
    ):
        if part is not None:
            printer.print(part, "", sep="\n")


def _make_console() -> Console:
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=max(TYPICAL_WIDTH, console.width))


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); remove it and run `dvc repro`") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: not a JSON object; remove it and run `dvc repro`")
    return value


def _make_table(title: str, *columns: str) -> Table:
    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table


def _tabulate_scores(report: Mapping[str, Any] | None) -> Group | str:
    if report is None:
        return "Score: not evaluated yet (stage evaluate)"
    level = f"{report['confidence_level']:.0%} CI" if "confidence_level" in report else "CI"
    # above the table, not its title, which would be broken at the table's width
    title = f"[bold]{escape(report['metric'])} {describe_sample(report)['en']}[/bold]"
    table = _make_table("", "", "value", level)
    names = {"before": "before", "after": "after", "difference": "difference", "gain": "gain of raw text and levers"}
    for key, name in names.items():
        if key not in report:
            continue
        sign = "+" if key in ("difference", "gain") else ""
        value, low, high = (report[key][bound] for bound in ("value", "low", "high"))
        table.add_row(name, f"{value:{sign}.3f}", f"[{low:{sign}.3f}, {high:{sign}.3f}]".replace("[", r"\["))
    return Group(title, table)


def _tabulate_recipes(report: Mapping[str, Any] | None) -> Table | None:
    """Return the recipes that `auto` compared, each against the one it chose; None where nothing was compared."""
    candidates = (report or {}).get("candidates", [])
    if not candidates:
        return None
    metric = (report or {}).get("metric", "score")
    columns = ("recipe", "held out", "log-loss", "difference", metric, "encoded")
    table = _make_table("Recipes by cross-validation", *columns)
    table.caption_justify, table.caption_style = "left", ""
    table.caption = "* learns from raw texts. Chosen: the first, or a later one that is surely better."
    for row in candidates:
        name = f"{row['recipe']}*" if row["uses_raw_texts"] else row["recipe"]
        difference = "chosen" if row["chosen"] else f"{row['difference']:+.3f} ± {row['standard_error']:.3f}"
        table.add_row(
            name,
            _format_count(row["held_out"]),
            f"{row['log_loss']:.3f}",
            difference,
            _format_share(row.get("score")),
            _format_count(row.get("passes")),
        )
    return table


def _tabulate_stages(folder: Path, stages: list[str], reports: Mapping[str, Mapping[str, Any] | None]) -> Table:
    table = _make_table("Stages", "stage", "in", "out", "quarantined", "seconds", "peak memory")
    for name in stages:
        report = reports[name]
        if report is None:
            table.add_row(name, "not run", *[MISSING] * 4)
        else:
            table.add_row(
                name,
                *(_format_count(report.get(key)) for key in ("in", "out", "quarantined")),
                *_format_cost(folder, name),
            )
    return table


def _format_count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) and math.isfinite(value) else MISSING


def _format_share(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else MISSING


def _format_cost(folder: Path, stage: str) -> tuple[str, str]:
    """Return seconds and peak memory of a stage in the last run, or "cached" if DVC skipped it."""
    start = 0.0  # of the last run, in seconds since 1970
    with suppress(FileNotFoundError, ValueError):
        start = float((folder / START_FILE).read_bytes())
    cost = read_state(folder / STATE / "timings" / f"{stage}.json", COST)
    if cost is None or cost["started"] < start:
        return "cached", MISSING
    return f"{cost['seconds']:.1f}", f"{cost['peak_bytes'] / 1e9:.1f} GB"


def _describe_worth(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return "Worth: not measured yet (stage worth)"
    return escape(f"Worth: {report['headline']['en']}\n{report['next']['sentence']['en']}")


def _describe_promotion(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return "Promotion: not run yet (python -m tasks.promote)"
    lines = [f"Promotion: {report['decision']}: {report['reason']}"]
    for name in ("champion", "challenger"):
        model = report.get(name)
        if isinstance(model, Mapping):
            fields = {key: field for key, field in model.items() if not isinstance(field, Mapping | list | None)}
            model = ", ".join(f"{key} {str(field)[:12]}" for key, field in fields.items())
        if model:
            lines.append(f"  {name}: {model}")
    return "\n".join(lines)


def _format_files(folder: Path) -> str:
    """Return the existing files and folders worth a look."""
    descriptions = {
        "reports/data_docs/index.html": "data validation results",
        "data/quarantine.parquet": "dropped records, with reasons",
        "reports/worth.html": "learning curve and worth of each lever",
        "plots": "curves and confusion matrix: dvc plots show",
        "models/package/README.md": "model card",
        "models/package": 'model: satiety predict "a text"',
    }
    lines = [f"  {path:30} {description}" for path, description in descriptions.items() if (folder / path).exists()]
    if (project_root(folder) / DATABASE).exists():
        lines.append(f"  {format_ui_command(folder)}")
    return "\n".join(["See also", *lines])
