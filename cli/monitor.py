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
from satiety.errors import SatietyError, SetupError
from tasks.monitor import called
from tasks.stage import REPORTS


def watch(folder: Path, table: Path | None, console: Console | None = None) -> None:
    """Run `monitor`; print the verdict, the rows left out, the tests and where the page is.

    Raises:
        SetupError: the folder holds no dvc.yaml, or the table has no name.
        SatietyError: it could not be done; the lines above say why.
    """
    if not (folder / "dvc.yaml").is_file():
        raise SetupError(f"{folder}: holds no dvc.yaml; run from the project's root, or `satiety workspace` first")
    if table is not None and not table.name:
        raise SetupError("--table: names no file; leave it out to look at what was answered here")
    given = ["--table", str(table.absolute())] if table else []
    command = python("tasks.leash", str(os.getpid()), *python("tasks.monitor", *given))
    if run_child(command, folder):
        raise SatietyError("monitor: nothing was found out; the lines above say why")
    name = called(table=table is not None)
    told: dict[str, Any] = json.loads((folder / REPORTS / f"{name}.json").read_text(encoding="utf-8"))
    out = console or Console(highlight=False)
    out.print(told["sentence"]["en"], markup=False)
    if lacks := told.get("unmetered"):
        out.print(lacks["en"], markup=False)
    if left := told["window"]["left_out"]:
        out.print(left["sentence"]["en"], markup=False)
    if "drift" not in told:
        return
    for part in ("", tests(told), "", *news(told), f"The page: {REPORTS / name}.html"):
        out.print(part, markup=False) if isinstance(part, str) else out.print(part)


def tests(told: Mapping[str, Any]) -> Table:
    """Return what every test says, the surest first."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(("test", "difference", "threshold", "p", "verdict")):
        found.add_column(name, justify="right" if number in (1, 2, 3) else "left", no_wrap=True)
    for name, one in sorted(told["drift"]["tests"].items(), key=lambda item: (item[1]["p"], item[0])):
        moved = "moved" if one["p"] <= told["alpha"] else "as before"
        found.add_row(name, f"{one['difference']:.4g}", f"{one['threshold']:.4g}", f"{one['p']:.3f}", moved)
    return found


def news(told: Mapping[str, Any]) -> list[str]:
    """Return the terms that are new or more frequent, in a line, where there are any."""
    if not told["terms"]:
        return []
    return ["New or more frequent: " + ", ".join(one["word"] for one in told["terms"]), ""]
