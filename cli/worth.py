"""`satiety worth`: have DVC run the meter where anything it rests on changed, then show what it says."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.child import run_child
from flows.dvc import DVC, python
from flows.overrides import recover
from satiety.core.errors import SatietyError, SetupError
from satiety.worth.page import sanity_checks
from tasks.stage import REPORTS

PAGE = REPORTS / "worth.html"
STOPPED = {-signal.SIGTERM, 128 + signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT}
"""What DVC ends with when it is told to stop."""


def measure(folder: Path, console: Console | None = None) -> None:
    """Run stage `worth` with all it needs; print the findings and where the page is.

    Raises:
        SetupError: the folder holds no dvc.yaml.
        SatietyError: a stage failed; DVC has said why.
    """
    if not (folder / "dvc.yaml").is_file():
        raise SetupError(f"{folder}: holds no dvc.yaml; run from the project's root, or `satiety workspace` first")
    recover(folder)
    command = python("tasks.pdeathsig", str(os.getpid()), *DVC, "repro", "worth")
    code = run_child(command, folder)
    if code in STOPPED:
        raise SatietyError("worth: stopped; what was evaluated is kept, the next run goes on from there")
    if code:
        raise SatietyError("worth: not measured; the lines above say why")
    report: dict[str, Any] = json.loads((folder / REPORTS / "worth.json").read_text(encoding="utf-8"))
    printer = console or Console(highlight=False)
    for part in (
        report["headline"]["en"],
        "",
        *([tabulate_levers(report), ""] if report["levers"] else []),
        describe_known_levers(report),
        f"Next: {report['next']['sentence']['en']}",
        f"The page: {PAGE}",
    ):
        printer.print(part, markup=False) if isinstance(part, str) else printer.print(part)


def describe_known_levers(report: Mapping[str, Any]) -> str:
    """Return how many levers of known worth were read right, so that nobody takes the rest for surer than it is."""
    flags = sanity_checks(report)
    if not flags:
        return "Known answers: none measured; mind what is said here"
    return f"Known answers: {sum(flags)} of {len(flags)} read right{'' if all(flags) else '; mind what is said here'}"


def tabulate_levers(report: Mapping[str, Any]) -> Table:
    """Return what every lever set is worth at the largest budget."""
    top = max(report["budgets"])
    table = Table(
        title=f"At {top:,} labels",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for number, name in enumerate(("lever", "gain", f"{report['level']:.0%} interval", "worth in labels", "verdict")):
        side = "right" if number in (1, 2) else "left"
        table.add_column(name, justify=side, no_wrap=number in (1, 2), overflow="fold")  # type: ignore[arg-type]
    for row in report["levers"]:
        if row["budget"] == top:
            gain = row["gain"]
            bounds = rf"\[{gain['low']:+.3f}, {gain['high']:+.3f}]"
            verdict = row["verdict"] + (f"; {row['refused']:,} texts refused" if row.get("refused") else "")
            table.add_row(row["lever"], f"{gain['value']:+.3f}", bounds, format_labels(row["labels"], top), verdict)
    return table


def format_labels(worth: Mapping[str, float | None], top: int) -> str:
    """Return a number of labels with its interval, as words where it lies beyond what was measured."""
    value, low, high = (worth[name] for name in ("value", "low", "high"))
    estimate = f"more than {top:,}" if value is None else f"{value:,.0f}"
    ends = [f"> {top:,}" if end is None else f"{end:,.0f}" for end in (low, high)]
    return rf"{estimate} \[{ends[0]}, {ends[1]}]"
