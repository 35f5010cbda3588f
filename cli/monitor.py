"""`satiety monitor`: look at what the model is asked today, then show what has moved."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.child import run_child
from flows.dvc import python
from satiety.core.errors import SatietyError, SetupError
from tasks.monitor import name_report
from tasks.stage import REPORTS


def run_monitor(folder: Path, table: Path | None, console: Console | None = None) -> None:
    """Run `monitor`; print the verdict, the rows left out, the tests and where the page is.

    Raises:
        SetupError: the folder holds no dvc.yaml, or the table has no name.
        SatietyError: it could not be done; the lines above say why.
    """
    if not (folder / "dvc.yaml").is_file():
        raise SetupError(f"{folder}: holds no dvc.yaml; run from the project's root, or `satiety workspace` first")
    if table is not None and not table.name:
        raise SetupError("--table: names no file; leave it out to look at what was answered here")
    arguments = ["--table", str(table.absolute())] if table else []
    command = python("tasks.pdeathsig", str(os.getpid()), *python("tasks.monitor", *arguments))
    if run_child(command, folder):
        raise SatietyError("monitor: nothing was found out; the lines above say why")
    name = name_report(table=table is not None)
    report: dict[str, Any] = json.loads((folder / REPORTS / f"{name}.json").read_text(encoding="utf-8"))
    printer = console or Console(highlight=False)
    printer.print(report["sentence"]["en"], markup=False)
    if warning := report.get("unmetered"):
        printer.print(warning["en"], markup=False)
    if omission := report["window"]["left_out"]:
        printer.print(omission["sentence"]["en"], markup=False)
    if "drift" not in report:
        return
    for part in ("", tabulate_tests(report), "", *list_terms(report), f"The page: {REPORTS / name}.html"):
        printer.print(part, markup=False) if isinstance(part, str) else printer.print(part)


def tabulate_tests(report: Mapping[str, Any]) -> Table:
    """Return what every test says, the surest first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(("test", "difference", "threshold", "p", "verdict")):
        table.add_column(name, justify="right" if number in (1, 2, 3) else "left", no_wrap=True)
    for name, test in sorted(report["drift"]["tests"].items(), key=lambda entry: (entry[1]["p"], entry[0])):
        verdict = "moved" if test["p"] <= report["alpha"] else "as before"
        table.add_row(name, f"{test['difference']:.4g}", f"{test['threshold']:.4g}", f"{test['p']:.3f}", verdict)
    return table


def list_terms(report: Mapping[str, Any]) -> list[str]:
    """Return the terms that are new or more frequent, in a line, where there are any."""
    if not report["terms"]:
        return []
    return ["New or more frequent: " + ", ".join(term["word"] for term in report["terms"]), ""]
