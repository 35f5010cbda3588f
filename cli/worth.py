"""`satiety worth`: run the stage `worth` if anything changed, and print its results."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.child import check_project, run_child
from flows.dvc import DVC
from flows.recovery import recover
from satiety.core.errors import SatietyError
from satiety.worth.page import sanity_checks
from tasks.stage import REPORTS

PAGE = REPORTS / "worth.html"
STOPPED = {-signal.SIGTERM, 128 + signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT}
"""Exit codes of DVC after it was interrupted."""


def measure(folder: Path, console: Console | None = None) -> None:
    """Run the stage `worth` and its upstream stages; print the results and the path of the page.

    Raises:
        SetupError: the folder has no dvc.yaml.
        SatietyError: a stage failed, and DVC has printed the error.
    """
    check_project(folder)
    recover(folder)
    code = run_child([*DVC, "repro", "worth"], folder)
    if code in STOPPED:
        raise SatietyError("worth: interrupted; finished evaluations are saved, run it again to continue")
    if code:
        raise SatietyError("worth failed, see the errors above")
    report: dict[str, Any] = json.loads((folder / REPORTS / "worth.json").read_text(encoding="utf-8"))
    printer = console or Console(highlight=False)
    for part in (
        report["headline"]["en"],
        "",
        *([tabulate_levers(report), ""] if report["levers"] else []),
        describe_sanity_checks(report),
        report["next"]["sentence"]["en"],
        f"Page: {PAGE}",
    ):
        printer.print(part, markup=False) if isinstance(part, str) else printer.print(part)


def describe_sanity_checks(report: Mapping[str, Any]) -> str:
    """Return how many levers of known worth were measured correctly."""
    flags = sanity_checks(report)
    if not flags:
        return "Sanity checks: none ran. Treat these results with caution."
    caution = "" if all(flags) else " Treat these results with caution."
    return f"Sanity checks: {sum(flags)} of {len(flags)} passed.{caution}"


def tabulate_levers(report: Mapping[str, Any]) -> Table:
    """Return the worth of each set of levers at the largest budget."""
    top = max(report["budgets"])
    table = Table(
        title=f"At {top:,} labels",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for number, name in enumerate(
        ("lever", "gain", f"{report['confidence_level']:.0%} CI", "worth in labels", "verdict")
    ):
        side = "right" if number in (1, 2) else "left"
        table.add_column(name, justify=side, no_wrap=number in (1, 2), overflow="fold")  # type: ignore[arg-type]
    for row in report["levers"]:
        if row["budget"] == top:
            gain = row["gain"]
            bounds = rf"\[{gain['low']:+.3f}, {gain['high']:+.3f}]"
            verdict = row["verdict"] + (f"; {row['refused']:,} texts rejected" if row.get("refused") else "")
            table.add_row(row["lever"], f"{gain['value']:+.3f}", bounds, format_labels(row["labels"], top), verdict)
    return table


def format_labels(worth: Mapping[str, float | None], top: int) -> str:
    """Return a number of labels with its confidence interval; values beyond the largest budget are bounds."""
    value, low, high = (worth[name] for name in ("value", "low", "high"))
    estimate = f"more than {top:,}" if value is None else f"{value:,.0f}"
    ends = [f"> {top:,}" if end is None else f"{end:,.0f}" for end in (low, high)]
    return rf"{estimate} \[{ends[0]}, {ends[1]}]"
