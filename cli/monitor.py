"""`satiety monitor`: detect drift and print the result."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.child import check_project, run_child
from flows.dvc import python
from satiety.core.errors import SatietyError, SetupError
from tasks.monitor import name_report
from tasks.stage import REPORTS


def run_monitor(folder: Path, table: Path | None, console: Console | None = None) -> None:
    """Run `tasks.monitor`; print the verdict, the rows left out, the drift tests and the path of the page.

    Raises:
        SetupError: the folder has no dvc.yaml, or the path of the table is empty.
        SatietyError: `tasks.monitor` failed and has printed the error.
    """
    check_project(folder)
    if table is not None and not table.name:
        raise SetupError("--table: empty path; give a file, or leave the option out to monitor recorded predictions")
    arguments = ["--table", str(table.absolute())] if table else []
    if run_child(python("tasks.monitor", *arguments), folder):
        raise SatietyError("monitor failed, see the errors above")
    name = name_report(table=table is not None)
    report: dict[str, Any] = json.loads((folder / REPORTS / f"{name}.json").read_text(encoding="utf-8"))
    printer = console or Console(highlight=False)
    printer.print(report["sentence"]["en"], markup=False)
    if warning := report.get("unmeasured_metric"):
        printer.print(warning["en"], markup=False)
    if omission := report["window"]["left_out"]:
        printer.print(omission["sentence"]["en"], markup=False)
    if "drift" not in report:
        return
    terms = ["New or more frequent: " + ", ".join(term["word"] for term in report["terms"]), ""]
    for part in ("", tabulate_tests(report), "", *(terms if report["terms"] else []), f"Page: {REPORTS / name}.html"):
        printer.print(part, markup=False) if isinstance(part, str) else printer.print(part)


def tabulate_tests(report: Mapping[str, Any]) -> Table:
    """Return the drift tests, smallest p value first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(("test", "difference", "threshold", "p", "verdict")):
        table.add_column(name, justify="right" if number in (1, 2, 3) else "left", no_wrap=True)
    for name, test in sorted(report["drift"]["tests"].items(), key=lambda entry: (entry[1]["p"], entry[0])):
        verdict = "drift" if test["p"] <= report["alpha"] else "no drift"
        table.add_row(name, f"{test['difference']:.4g}", f"{test['threshold']:.4g}", f"{test['p']:.3f}", verdict)
    return table
